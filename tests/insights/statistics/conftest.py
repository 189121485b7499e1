from collections.abc import Iterator

import pytest

from app.demo.source_files import Files, open_files
from tests.insights.statistics.experiments import Spent, spent


@pytest.fixture(scope="session")
def _files() -> Iterator[Files]:
    files = open_files()
    yield files
    files.close()


@pytest.fixture(scope="session")
def people(_files: Files) -> Spent:
    """What real households spent."""
    return spent(_files)
