"""Introspection (RFC 7662): what a client's own token is worth at this moment."""

import hmac
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from auth import tokens
from auth.oauth import families, pairwise, refresh_tokens
from auth.oauth.clients import Client
from auth.oauth.refresh_tokens import Presented

_CLAIMS = ("iss", "sub", "aud", "client_id", "jti", "iat", "exp", "scope", "sid", "auth_time", "acr", "amr", "cnf")

#: One answer for whatever is unknown, over or somebody else's.
INACTIVE: dict[str, Any] = {"active": False}


def look(session: Session, client: Client, token: str, *, now: datetime) -> dict[str, Any]:
    presented = refresh_tokens.read(token)
    if presented is not None:
        return _refresh_token(session, client, presented, now)
    claims = tokens.read(token, now=now)
    if claims is None or claims["client_id"] != client.client_id:
        return INACTIVE
    kind = "DPoP" if "cnf" in claims else "Bearer"
    return {"active": True, "token_type": kind} | {name: claims[name] for name in _CLAIMS if name in claims}


def _refresh_token(session: Session, client: Client, presented: Presented, now: datetime) -> dict[str, Any]:
    family = families.find(session, presented.family_id)
    if family is None or family.client_id != client.client_id or family.revoked_at is not None:
        return INACTIVE
    idle_at = family.rotated_at + timedelta(seconds=family.idle_seconds)
    ends_at = min(family.ends_at, idle_at)
    is_newest = hmac.compare_digest(family.token, refresh_tokens.kept(presented.secret))
    if not is_newest or now >= ends_at:
        return INACTIVE
    known = {
        "active": True,
        "iss": tokens.issuer(),
        "client_id": client.client_id,
        "iat": int(family.rotated_at.timestamp()),
        "exp": int(ends_at.timestamp()),
    }
    if family.customer_id is not None:
        known["sub"] = pairwise.sub_of(client, family.customer_id)
    return known | ({"scope": family.scope} if family.scope else {})
