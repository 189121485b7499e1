"""Apple and Google, on this machine."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from auth.federated import providers
from core import crypto
from core.settings import Settings
from tests.standins.identity_provider import CLIENT_IDS, KEY_ID, PRIVATE_KEY_PEM, TEAM_ID, IdentityProvider


def set_up(url: str) -> Settings:
    return replace(
        Settings(environment="test"),
        apple_client_ids=f"app.pocketful.web, {CLIENT_IDS['apple']}",
        google_client_ids=CLIENT_IDS["google"],
        apple_team_id=TEAM_ID,
        apple_key_id=KEY_ID,
        apple_private_key=PRIVATE_KEY_PEM.replace("\n", "\\n"),
        apple_api_url=url,
        google_api_url=url,
    )


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    settings = set_up("")
    crypto.load_keys(settings)
    with IdentityProvider() as provider:
        providers.load(set_up(provider.url))
        yield provider
    providers.load(Settings(environment="test"))
