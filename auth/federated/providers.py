"""Apple and Google: who signs their tokens, whom for, and by which keys."""

from dataclasses import dataclass

from auth.federated.models import APPLE, GOOGLE
from core.errors import ConfigurationError
from core.gateways import apple
from core.gateways.apple import Apple
from core.gateways.key_sets import KeySet
from core.settings import Settings


@dataclass(frozen=True, slots=True)
class Provider:
    """issuers: all spellings, the first of which counts; client_ids: ours there"""

    name: str
    issuers: tuple[str, ...]
    client_ids: frozenset[str]
    keys: KeySet


_GOOGLE_ADDRESS = "https://www.googleapis.com"
_providers: dict[str, Provider] = {}
_apple: Apple | None = None


def load(settings: Settings) -> None:
    """raises  ConfigurationError"""
    global _providers, _apple
    apple_url = (settings.apple_api_url or apple.ADDRESS).rstrip("/")
    google_url = (settings.google_api_url or _GOOGLE_ADDRESS).rstrip("/")
    # source  https://developers.google.com/identity/openid-connect/openid-connect, read 2026-11: both spellings come.
    google_issuers = ("https://accounts.google.com", "accounts.google.com")
    known = [
        Provider(APPLE, (apple.ADDRESS,), _ids(settings.apple_client_ids), KeySet(f"{apple_url}/auth/keys")),
        Provider(GOOGLE, google_issuers, _ids(settings.google_client_ids), KeySet(f"{google_url}/oauth2/v3/certs")),
    ]
    _providers = {provider.name: provider for provider in known if provider.client_ids}
    _apple = _apple_of(settings)


def find(name: str) -> Provider | None:
    """The provider, where the brand has set it up."""
    return _providers.get(name)


def apple_gateway() -> Apple | None:
    """By whom Apple is asked for tokens; None where the brand has given no key."""
    return _apple


def _apple_of(settings: Settings) -> Apple | None:
    if not settings.apple_private_key:
        return None
    if not (settings.apple_team_id and settings.apple_key_id):
        raise ConfigurationError("APPLE_PRIVATE_KEY needs APPLE_TEAM_ID and APPLE_KEY_ID beside it")
    return Apple(
        team_id=settings.apple_team_id,
        key_id=settings.apple_key_id,
        private_key=settings.apple_private_key,
        api_url=settings.apple_api_url or None,
    )


def _ids(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(",") if part.strip())
