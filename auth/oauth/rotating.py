"""Rotation: a refresh token for its successor, in one statement where all is well.

Replies get lost on mobile networks, so the token just before the newest one may come back for half a minute, by the
same key: it gets the identical successor, which is derived from it by HMAC and so need not be kept. Anything older is
a copy in the wrong hands, and ends the family.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth import customers, notices
from auth.errors import OAuthRefusal
from auth.models import ACTIVE, Staff
from auth.oauth import families, refresh_tokens, scopes
from auth.oauth.clients import Client
from auth.oauth.models import TokenFamily
from auth.oauth.refresh_tokens import Presented
from auth.proofs import Grant, Owner, Proved
from core.db import Connection
from core.prepared import PreparedCall

GRACE = timedelta(seconds=30)

# Nothing that an index holds is changed, so the row's new version stays on its page. The customer is not asked after:
# whoever suspends or erases one ends their sessions, and with them the families. Staff are looked at with their status
# by `under_lock`: they are few. Values come as PostgreSQL spells them, since each cast cost two microseconds.
_ROTATE = PreparedCall(
    "rotate_refresh_token",
    """
    UPDATE auth.token_family
       SET generation = generation + 1, former = token, token = %s, rotated_at = %s
     WHERE id = %s AND generation = %s AND token = %s AND client_id = %s AND (jkt IS NULL OR jkt = %s)
       AND customer_id IS NOT NULL AND revoked_at IS NULL AND ends_at > %s
       AND rotated_at > %s::timestamptz - idle_seconds * interval '1 second'
    RETURNING customer_id, session_id, scope, auth_time, acr, amr, jkt
    """,
)


def at_once(
    connection: Connection, client: Client, presented: Presented, jkt: bytes | None, *, now: datetime
) -> Grant | None:
    """The successor of a customer's newest token; None where that is not what was presented: `under_lock` looks closer.

    Of any number at one moment, exactly one makes the successor.
    """
    secret, at = refresh_tokens.successor(presented.secret), now.isoformat()
    row = _ROTATE.row(
        connection,
        (
            refresh_tokens.kept(secret), at, presented.family_id, presented.generation,
            refresh_tokens.kept(presented.secret), client.client_id, jkt, at, at,
        ),
    )  # fmt: skip
    if row is None:
        return None
    customer_id, session_id, scope, auth_time, acr, amr, bound = row
    return Grant(
        family_id=presented.family_id,
        session_id=UUID(session_id),
        client_id=client.client_id,
        scope=scope,
        proved=Proved(
            owner=Owner(customer_id=UUID(customer_id)),
            auth_time=datetime.fromisoformat(auth_time),
            acr=acr,
            amr=tuple(word for word in amr[1:-1].split(",") if word),  # "{otp,sms}": words that need no quotes
        ),
        jkt=bytes.fromhex(bound[2:]) if bound else None,
        refresh_token=refresh_tokens.spell(presented.family_id, presented.generation + 1, secret),
    )


def under_lock(
    session: Session, client: Client, presented: Presented, jkt: bytes | None, *, asked: str = "", now: datetime
) -> Grant | OAuthRefusal:
    """The same with the family locked, and what else a token may be: retried, stolen, over.

    asked    the scope of the access token, of what was granted; the refresh token stays good for all of it
    effects  locks the family; a token older than its grace revokes it and announces token_family.revoked
    """
    query = select(TokenFamily).where(TokenFamily.id == presented.family_id).with_for_update()
    family = session.scalar(query)
    if family is None or family.client_id != client.client_id or family.revoked_at is not None:
        return refused()
    if now >= family.ends_at or now >= family.rotated_at + timedelta(seconds=family.idle_seconds):
        return refused()
    if family.jkt is not None and jkt != family.jkt:
        # No theft's sign: anybody may send a proof by a key of their own.
        return _unproved() if jkt is None else refused()
    kept = refresh_tokens.kept(presented.secret)
    is_newest = presented.generation == family.generation and kept == family.token
    is_retried = presented.generation == family.generation - 1 and kept == family.former
    if not is_newest and not (is_retried and now < family.rotated_at + GRACE):
        families.revoke_all(session, [family], reason="refresh_reused", now=now)
        if family.customer_id is not None:
            notices.tell(session, family.customer_id, notices.SIGNED_OUT, now=now)
        return refused()
    if not is_active(session, Owner(customer_id=family.customer_id, staff_id=family.staff_id)):
        return refused()
    scope = scopes.narrowed(family.scope, asked)
    if isinstance(scope, OAuthRefusal):
        return scope

    secret = refresh_tokens.successor(presented.secret)
    if is_newest:
        family.generation, family.former, family.token = family.generation + 1, kept, refresh_tokens.kept(secret)
        family.rotated_at = now
    grant = families.grant_of(family, refresh_tokens.spell(family.id, presented.generation + 1, secret))
    return replace(grant, scope=scope)


def is_active(session: Session, owner: Owner, *, is_held: bool = False) -> bool:
    """Whether an owner may have tokens now. is_held: see `customers.is_active`"""
    if owner.customer_id:
        return customers.is_active(session, owner.customer_id, is_held=is_held)
    query = select(Staff.status).where(Staff.id == owner.id)
    return session.scalar(query.with_for_update(read=True, key_share=True) if is_held else query) == ACTIVE


def _unproved() -> OAuthRefusal:
    return OAuthRefusal("invalid_dpop_proof", "This refresh token is bound to a key: send its DPoP proof")


def refused() -> OAuthRefusal:
    return OAuthRefusal("invalid_grant", "This refresh token does not work (any more): sign in again")
