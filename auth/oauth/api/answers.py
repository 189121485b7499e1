"""What a client is told of what it was granted (RFC 6749 section 5.1)."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from auth import staff, tokens
from auth.models import Staff
from auth.oauth import clients, id_tokens, pairwise, scopes
from auth.oauth.api import proving
from auth.oauth.clients import Client
from auth.proofs import Grant
from core.db import transaction
from core.web.principals import Principal


def tokens_of(client: Client, grant: Grant, now: datetime) -> dict[str, Any]:
    """The members of the answer: an access token, and what else was granted. An id_token comes with `openid`, but for a
    refresh: its grant has no sign-in of its own."""
    scope = scopes.left(client, grant.scope)
    is_bound = grant.jkt is not None and proving.level_of(client) == "always"
    access_token = tokens.mint(
        _principal_of(client, grant),
        audience=client.audience,
        client_id=client.client_id,
        now=now,
        scope=scope,
        amr=grant.proved.amr,
        subject=_subject_of(client, grant),
        jkt=grant.jkt if is_bound else None,
    )
    told: dict[str, Any] = {
        "access_token": access_token,
        "token_type": "DPoP" if is_bound else "Bearer",
        "expires_in": int(tokens.TTLS[client.audience].total_seconds()),
    }
    if scope:
        told["scope"] = scope
    if grant.refresh_token is not None:
        told["refresh_token"] = grant.refresh_token
    if grant.device_secret is not None:
        told["device_secret"] = grant.device_secret
    return told


def with_id_token(client: Client, grant: Grant, now: datetime) -> dict[str, Any]:
    """The same of a sign-in: where `openid` was asked for, who signed in is told as well."""
    told = tokens_of(client, grant, now)
    if scopes.has(grant.scope, scopes.OPENID):
        told["id_token"] = id_tokens.make(client, grant, access_token=told["access_token"], now=now)
    return told


def _subject_of(client: Client, grant: Grant) -> str | None:
    """What a partner knows the customer by."""
    customer_id = grant.proved.owner.customer_id
    return pairwise.sub_of(client, customer_id) if client.kind == clients.PARTNER and customer_id else None


def _principal_of(client: Client, grant: Grant) -> Principal:
    hangs_from: dict[str, Any] = {
        "client_id": client.client_id,
        "session_id": grant.session_id,
        "family_id": grant.family_id,
        "auth_time": int(grant.proved.auth_time.timestamp()),
        "acr": grant.proved.acr,
    }
    customer_id = grant.proved.owner.customer_id
    if customer_id:
        return Principal(kind="customer", id=customer_id, **hangs_from)
    with transaction() as session:
        # Shared lock: whoever changes their roles just now comes before this, or revokes what comes of it.
        person = session.get_one(Staff, grant.proved.owner.id, with_for_update={"read": True})
        return replace(staff.principal_of(person), **hangs_from)
