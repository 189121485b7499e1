"""Links in messages: each opens something in the customer's app, and the short ones tell that they were followed."""

from urllib.parse import urlsplit

from core.settings import Settings

_public_url = Settings().public_url
_hosts: tuple[str, ...] = ()


def load(settings: Settings) -> None:
    """Take the public address that links begin with, and where saved ones may lead; before any message is written."""
    global _public_url, _hosts
    _public_url = settings.public_url.rstrip("/")
    _hosts = tuple(host.strip().lower() for host in settings.link_hosts.split(",") if host.strip())


def to_voucher(code: str) -> str:
    return f"{_public_url}/c/{code}"


def to_door(slug: str) -> str:
    """The page of a door into a journey."""
    return f"{_public_url}/e/{slug}"


def short(code: str) -> str:
    """Where a tracked link begins."""
    return f"{_public_url}/l/{code}"


def to_qr(code: str) -> str:
    """The picture of a voucher's QR, by its tracked link's code."""
    return f"{_public_url}/v/{code}.png"


def to_opening(code: str) -> str:
    """The picture that nobody sees, and that tells that a mail was opened."""
    return f"{_public_url}/o/{code}.gif"


def is_allowed(address: str) -> bool:
    """Whether a saved link may lead there: only where LINK_HOSTS says, so that nobody's mistake sends customers off."""
    try:
        host = (urlsplit(address).hostname or "").lower()
    except ValueError:
        return False
    return host != "" and (not _hosts or any(host == each or host.endswith(f".{each}") for each in _hosts))


def hosts() -> tuple[str, ...]:
    return _hosts
