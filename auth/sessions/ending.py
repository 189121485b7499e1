"""Ending sessions, and whom that concerns."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from auth.oauth import families
from auth.oauth.models import AuthorizationCode, TokenFamily
from auth.proofs import Owner
from auth.sessions.events import SessionEnded
from auth.sessions.models import LoginSession
from auth.tokens import revocations
from core.events import announce

#: Told of a session that ends, in its transaction, while its token families still live; wiring says who (sessions may
#: not know who hangs notices on them).
Ending = Callable[[Session, UUID, datetime], None]
_endings: Sequence[Ending] = ()

#: How long a session that is over can still be asked after (a logout's id_token_hint).
KEPT_FOR = timedelta(days=30)


def register(endings: Sequence[Ending]) -> None:
    global _endings
    _endings = endings


def end(session: Session, session_id: UUID, *, because: str, now: datetime) -> bool:
    """End a session and everything that hangs from it; whether there was anything to end.

    effects  its families are revoked, its access tokens refused within a second; announces session.ended
    """
    row = session.get(LoginSession, session_id, with_for_update=True, populate_existing=True)
    if row is None or row.ended_at is not None:
        return False

    row.ended_at, row.ended_because, row.expires_at = now, because, min(row.expires_at, now)
    row.agent = row.place = row.device_id = None  # where somebody was is nobody's business any more
    session.flush()
    for ending in _endings:
        ending(session, session_id, now)
    families.revoke_where(session, session_id=session_id, reason=because, now=now)
    revocations.add(session, f"session:{session_id}", now=now)

    announce(
        session,
        SessionEnded(
            customer_id=row.customer_id, occurred_at=now, session_id=session_id, staff_id=row.staff_id, reason=because
        ),
    )
    return True


def end_all(session: Session, owner: Owner, *, but: UUID | None = None, because: str, now: datetime) -> int:
    """End every session of a customer or a person of staff, but one perhaps; how many.

    effects  those of `end`; codes that were not redeemed yet, and would begin one, are dropped
    """
    _drop_codes(session, owner, now=now)
    mine = LoginSession.customer_id == owner.customer_id
    if owner.staff_id:
        mine = LoginSession.staff_id == owner.staff_id
    query = select(LoginSession.id).where(mine, LoginSession.ended_at.is_(None)).order_by(LoginSession.id)
    found = session.scalars(query).all()
    return sum(end(session, session_id, because=because, now=now) for session_id in found if session_id != but)


def _drop_codes(session: Session, owner: Owner, *, now: datetime) -> None:
    """One that is locked is being redeemed, by somebody who may wait for the owner's row, which is ours: it is left."""
    code = AuthorizationCode
    mine = code.staff_id == owner.staff_id if owner.staff_id else code.customer_id == owner.customer_id
    is_open = (code.expires_at > now, code.redeemed_at.is_(None), code.session_id.is_(None))
    found = session.scalars(select(code.code).where(mine, *is_open).with_for_update(skip_locked=True)).all()
    session.execute(delete(code).where(code.code.in_(found)))


def forget(session: Session, *, now: datetime, most: int) -> int:
    """Drop up to `most` sessions that were over long ago and that nothing hangs from any more; returns how many."""
    hangs = select(func.count()).where(TokenFamily.session_id == LoginSession.id).scalar_subquery()
    query = select(LoginSession.id).where(LoginSession.expires_at <= now - KEPT_FOR, hangs == 0).limit(most)
    over = session.scalars(query).all()
    session.execute(delete(LoginSession).where(LoginSession.id.in_(over)))
    return len(over)
