"""The key that a request to our protocol proves (DPoP, RFC 9449)."""

from datetime import datetime

from auth.errors import OAuthRefusal
from auth.oauth.api import wire
from auth.oauth.clients import Client


def take(client: Client, *, now: datetime) -> bytes | None:
    """Thumbprint of the key that this request proves, where it proves one.

    raises  OAuthError invalid_dpop_proof where the client has to
    """
    if client.dpop in ("required", "always"):
        raise wire.OAuthError(OAuthRefusal("invalid_dpop_proof", "This client has to prove its key"))
    return None
