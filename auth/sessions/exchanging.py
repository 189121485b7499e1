"""Signing in to another app of the brand without asking (OpenID Connect Native SSO 1.0, RFC 8693): the apps of one
group share a device_secret on the device, and each signs in by it with an id token of the one that was there before.
"""

import hmac
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from auth import sessions
from auth.dpop import binding
from auth.errors import OAuthRefusal
from auth.oauth import clients, families, id_tokens, pairwise, rotating, scopes
from auth.oauth.clients import Client
from auth.proofs import Grant

ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105
DEVICE_SECRET = "urn:openid:params:token-type:device-secret"  # noqa: S105

#: The id token says which sign-in is meant, the secret that one may: so it may be as old as a session that lies idle.
_OLDEST = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """id_token: of an app of the group; device_secret: what the apps share on the device"""

    id_token: str
    device_secret: str
    scope: str = ""


def exchange(
    session: Session, client: Client, asked: Asked, *, jkt: bytes | None, now: datetime
) -> Grant | OAuthRefusal:
    """Tokens for another app of the session that a device_secret stands for.

    jkt      thumbprint of the key that this request proved
    effects  a family of the app's own, which ends with the session; announces customer.signed_in
    """
    if client.sso_group is None:
        return OAuthRefusal("unauthorized_client", "This client shares its sign-in with no other")
    scope = scopes.parse(client, asked.scope)
    if isinstance(scope, OAuthRefusal):
        return scope
    claims = id_tokens.read(asked.id_token, now=now, oldest=_OLDEST)
    live = sessions.by_handle(session, asked.device_secret, kind="app", now=now)
    if claims is None or live is None:
        return _refused()
    first = clients.find(claims["aud"])
    if first is None or not first.is_active or first.sso_group != client.sso_group:
        return OAuthRefusal("unauthorized_client", "This client shares no sign-in with the id token's")
    ours = id_tokens.ds_hash(asked.device_secret)
    customer_id = live.proved.owner.customer_id
    is_bound = isinstance(claims.get("ds_hash"), str) and hmac.compare_digest(claims["ds_hash"].encode(), ours.encode())
    if not is_bound or _sid(claims) != live.id or customer_id is None:
        return _refused()
    if claims["sub"] != pairwise.sub_of(first, customer_id):
        return _refused()
    # The person first, then the session: as whoever suspends them locks the two.
    is_active = rotating.is_active(session, live.proved.owner, is_held=True)
    if not is_active or not sessions.by_handle(session, asked.device_secret, kind="app", now=now, is_held=True):
        return _refused()

    sessions.touch(session, live.id, now=now)
    bound = None if binding.level_of(client.dpop, client.kind) == "no" else jkt
    granted = families.begin(
        session, client=client, proved=live.proved, session_id=live.id, scope=scope, jkt=bound, now=now
    )
    return replace(granted, device_secret=asked.device_secret)


def _sid(claims: dict[str, object]) -> UUID | None:
    try:
        return UUID(str(claims.get("sid")))
    except ValueError:
        return None


def _refused() -> OAuthRefusal:
    return OAuthRefusal("invalid_grant", "This id token and device_secret do not sign in (any more)")
