import pytest
from flask.testing import FlaskClient

from tests.core.web.shop import Shop, open_shop


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def till(shop: Shop) -> FlaskClient:
    """A client of the tiny shop; requests need their own Authorization."""
    return open_shop(shop).test_client()
