from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import make_url

from app.demo import stage
from app.demo.source_files import Files, open_files
from core import db
from core.settings import Settings
from tests.app.demo.replay import Stage


@pytest.fixture(scope="session")
def real_files() -> Iterator[Files]:
    """The real data, opened once a test process (half a second)."""
    files = open_files()
    yield files
    files.close()


@pytest.fixture(scope="module")
def theatre(settings: Settings, real_files: Files, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Two days, played once for all tests of a file."""
    db.open_database(settings)
    name = f"{make_url(settings.database_url).database}_demo"
    there = Stage(stage.settings_of(settings, name), real_files, tmp_path_factory.mktemp("papers"))
    there.play()
    yield there
    db.close_database()
    with psycopg.connect(settings.database_url, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
