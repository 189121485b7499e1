"""Refresh tokens: each family comes of one sign-in, and only its newest token rotates.

Replies get lost on mobile networks, so the token just before the newest one may come back for half a minute: it gets
the identical successor, which is derived from it by HMAC and so need not be kept. Anything older is a copy in the
wrong hands, and ends the family.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.orm import Session

from auth import customers, opaque
from auth.errors import OAuthRefusal
from auth.events import CustomerSignedIn, TokenFamilyRevoked
from auth.oauth.models import AuthorizationCode, RefreshToken, TokenFamily
from core import ids
from core.events import announce

GRACE = timedelta(seconds=30)
IDLE = timedelta(days=30)
ABSOLUTE = timedelta(days=180)
#: How far back a copy is known for one. Older ones are refused like any stranger's, without ending the family.
KEPT_GENERATIONS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a client may now have: this refresh token, and access tokens for this customer."""

    family_id: UUID
    customer_id: UUID
    client_id: str
    refresh_token: str


def begin(session: Session, *, client_id: str, customer_id: UUID, now: datetime) -> Grant:
    """effects  announces customer.signed_in"""
    family = TokenFamily(
        id=ids.new(), client_id=client_id, customer_id=customer_id, generation=0, rotated_at=now, created_at=now
    )
    session.add(family)
    session.flush()
    token = opaque.new()
    _keep(session, family, token)

    announce(
        session,
        CustomerSignedIn(customer_id=customer_id, occurred_at=now, family_id=family.id, client_id=client_id),
    )
    return _grant(family, token)


def rotate(session: Session, *, client_id: str, token: str, now: datetime) -> Grant | OAuthRefusal:
    """Exchange a refresh token for its successor. Of any number at one moment, exactly one makes it.

    effects  locks the family; a token older than its grace revokes it and announces token_family.revoked
    """
    found = _locked(session, token)
    if found is None or found[0].client_id != client_id:
        return _refused()
    family, generation = found
    if family.revoked_at is not None or now >= min(family.rotated_at + IDLE, family.created_at + ABSOLUTE):
        return _refused()
    is_predecessor = generation == family.generation - 1 and now < family.rotated_at + GRACE
    if generation != family.generation and not is_predecessor:
        _revoke(session, family, reason="refresh_reused", now=now)
        return _refused()
    if family.customer_id is None or not customers.is_active(session, family.customer_id):
        return _refused()

    successor = opaque.successor("refresh_token", token)
    if not is_predecessor:
        family.generation, family.rotated_at = family.generation + 1, now
        _keep(session, family, successor)
        _drop_before(session, family, family.generation - KEPT_GENERATIONS)
    return _grant(family, successor)


def sign_out(session: Session, *, client_id: str, token: str, now: datetime) -> None:
    """Revoke the family of a refresh token, whichever of its tokens it is; unknown ones are nothing to revoke
    (RFC 7009 section 2.2)."""
    found = _locked(session, token)
    if found is not None and found[0].client_id == client_id:
        _revoke(session, found[0], reason="signed_out", now=now)


def revoke(session: Session, family_id: UUID, *, reason: str, now: datetime) -> None:
    """effects  announces token_family.revoked, once"""
    family = session.scalar(select(TokenFamily).where(TokenFamily.id == family_id).with_for_update())
    if family is not None:
        _revoke(session, family, reason=reason, now=now)


def forget(session: Session, *, now: datetime, most: int) -> int:
    """Drop up to `most` families that nothing can come of any more, with their tokens; returns how many."""
    is_over = or_(
        TokenFamily.rotated_at <= now - IDLE,
        TokenFamily.created_at <= now - ABSOLUTE,
        TokenFamily.revoked_at <= now - IDLE,
    )
    over = session.scalars(select(TokenFamily.id).where(is_over).limit(most)).all()
    session.execute(update(AuthorizationCode).where(AuthorizationCode.family_id.in_(over)).values(family_id=None))
    session.execute(delete(TokenFamily).where(TokenFamily.id.in_(over)))
    return len(over)


def _locked(session: Session, token: str) -> tuple[TokenFamily, int] | None:
    """The family of a token, locked, as it stands once the lock is had, and the generation of the token."""
    row = session.get(RefreshToken, opaque.kept("refresh_token", token))
    if row is None:
        return None
    query = select(TokenFamily).where(TokenFamily.id == row.family_id).with_for_update()
    family = session.scalar(query.execution_options(populate_existing=True))
    return (family, row.generation) if family is not None else None


def _keep(session: Session, family: TokenFamily, token: str) -> None:
    kept = opaque.kept("refresh_token", token)
    session.add(RefreshToken(token=kept, family_id=family.id, generation=family.generation))


def _drop_before(session: Session, family: TokenFamily, generation: int) -> None:
    is_old = and_(RefreshToken.family_id == family.id, RefreshToken.generation < generation)
    session.execute(delete(RefreshToken).where(is_old))


def _revoke(session: Session, family: TokenFamily, *, reason: str, now: datetime) -> None:
    if family.revoked_at is not None:
        return
    family.revoked_at, family.revoked_because = now, reason

    announce(
        session,
        TokenFamilyRevoked(customer_id=family.customer_id, occurred_at=now, family_id=family.id, reason=reason),
    )


def _grant(family: TokenFamily, token: str) -> Grant:
    assert family.customer_id is not None
    return Grant(family_id=family.id, customer_id=family.customer_id, client_id=family.client_id, refresh_token=token)


def _refused() -> OAuthRefusal:
    return OAuthRefusal("invalid_grant", "This refresh token does not work (any more): sign in again")
