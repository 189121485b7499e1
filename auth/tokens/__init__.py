"""Access tokens (RFC 9068): short-lived JWTs, signed with ES256, that the doors verify without asking the database."""

from auth.keys import ring
from auth.keys.ring import issuer, key_set
from auth.tokens import revocations, verifying
from auth.tokens.claims import ADMIN, APP, MERCHANT, PARTNER, TTLS
from auth.tokens.minting import mint
from auth.tokens.verifying import TokenRefused, read, verify
from core.settings import Settings

__all__ = [
    "ADMIN",
    "APP",
    "MERCHANT",
    "PARTNER",
    "TTLS",
    "TokenRefused",
    "issuer",
    "key_set",
    "load_key",
    "mint",
    "read",
    "verify",
]


def load_key(settings: Settings) -> None:
    """Begin with the setting's key, and with nothing that was known of another database.

    raises  ConfigurationError when the key is no scalar of P-256
    """
    ring.load(settings)
    verifying.forget_verified()
    revocations.forget_known()
