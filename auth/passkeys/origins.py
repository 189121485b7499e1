"""Where passkeys hold: the domain that they are made for, and the pages and apps that may ask for them."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from core.errors import ConfigurationError
from core.settings import Settings


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """id: a domain, for ever: a passkey is known by it alone. origins: compared letter by letter."""

    id: str
    name: str
    origins: tuple[str, ...]
    waits_hours: int


def of(settings: Settings) -> RelyingParty:
    """The relying party (WebAuthn section 4) that these settings describe.

    raises  ConfigurationError where PASSKEY_RP_ID is no domain
    """
    public = urlsplit(settings.public_url)
    host = (public.hostname or "").lower()
    # WebAuthn takes no IP address; on a developer's machine the same server answers as localhost.
    domain = settings.passkey_rp_id or ("localhost" if _is_address(host) else host)
    if not domain or _is_address(domain) or domain != domain.lower() or any(part in domain for part in "/: "):
        raise ConfigurationError("PASSKEY_RP_ID must be a domain in lower case, like example.com")

    port = f":{public.port}" if public.port else ""
    origins = [f"https://{domain}"]
    if host == domain or host.endswith(f".{domain}"):
        origins.append(f"{public.scheme}://{host}{port}")
    if not settings.is_production:
        origins.append(f"http://localhost{port}")
    origins += [origin.strip() for origin in settings.passkey_origins.split(",") if origin.strip()]
    return RelyingParty(domain, settings.brand_name, tuple(dict.fromkeys(origins)), settings.passkey_wait_hours)


_settings = Settings()


def load(settings: Settings) -> None:
    """Take for whom passkeys are made.

    raises  ConfigurationError
    """
    global _settings
    of(settings)
    _settings = settings


def relying_party() -> RelyingParty:
    return of(_settings)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
