"""Links in messages: each opens something in the customer's app."""

from core.settings import Settings

_public_url = Settings().public_url


def load(settings: Settings) -> None:
    """Take the public address that links begin with; before any message is written."""
    global _public_url
    _public_url = settings.public_url.rstrip("/")


def to_voucher(code: str) -> str:
    return f"{_public_url}/c/{code}"
