"""The key that a request to our protocol proves (DPoP, RFC 9449)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from auth.dpop import binding
from auth.errors import OAuthRefusal
from auth.oauth.api import wire
from auth.oauth.clients import Client
from auth.tokens import claims as said
from core.web.principals import Principal


def take(client: Client, *, now: datetime) -> bytes | None:
    """Thumbprint of the key that this request proves, where it proves one.

    raises   OAuthError invalid_dpop_proof for a proof that is none, and for none where the client has to send one
    effects  the proof is used from now on, whatever becomes of the request
    """
    proven = binding.presented(now)
    if proven is None and is_needed(client):
        raise wire.OAuthError(OAuthRefusal("invalid_dpop_proof", "This client has to prove a key: send a DPoP proof"))
    return proven.jkt if proven else None


def is_needed(client: Client) -> bool:
    """Whether nobody comes in by this client without proving a key."""
    return level_of(client) in ("required", "always")


def level_of(client: Client) -> str:
    return binding.level_of(client.dpop, client.kind)


def check(claims: dict[str, Any], token: str, *, scheme: str, now: datetime) -> None:
    """That an access token which is bound to a key comes with that key's proof, and no other one does.

    raises  Unauthenticated
    """
    bound_to = said.bound_to(claims)
    if scheme == "dpop" or bound_to is not None:
        asking = Principal(kind="customer", id=UUID(int=0), bound_to=bound_to)  # by its key alone
        binding.check(asking, token, scheme=scheme, now=now)
