from collections.abc import Iterator

import pytest

from app.demo.source_files import Files, open_files


@pytest.fixture(scope="session")
def real_files() -> Iterator[Files]:
    """The real data, opened once a test process (half a second)."""
    files = open_files()
    yield files
    files.close()
