"""Invitations: links that let one person make a means to sign in, once.

An invitation goes to the person's own mailbox, so that who invites never holds what signs somebody else in.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from auth import opaque, staff
from auth.models import SUSPENDED, Staff
from auth.staff.events import StaffInvited
from auth.staff.models import StaffInvitation
from core import ids
from core.delivery import messages
from core.events import announce

JOIN, RECOVER = "join", "recover"
JOIN_TTL = timedelta(hours=72)
#: Who has just shown a recovery code goes on at once.
RECOVER_TTL = timedelta(minutes=15)
#: How long what became of a link can be looked up.
KEPT_FOR = timedelta(days=30)


def invite(session: Session, person: Staff, *, by: str, brand_name: str, address: str, now: datetime) -> str:
    """Mail a person a link by which they join; the link, for a command that prints it.

    by       the principal who invites
    address  our own, PUBLIC_URL
    effects  an earlier link works no more; announces staff.invited
    """
    token = _make(session, person.id, purpose=JOIN, by=by, expires_at=now + JOIN_TTL, now=now)
    link = f"{address.rstrip('/')}{path_of(token)}"
    messages.enqueue(
        session,
        customer_id=person.id,
        channel="email",
        recipient=staff.email_of(session, person.id),
        content={
            "subject": f"Join {brand_name}'s staff",
            "text": f"You have been invited to work with {brand_name}'s Pocketful.\n\n"
            f"Open this link on the device that you will sign in with, within three days:\n{link}\n\n"
            "It works once. If you did not expect it, ignore this mail: nothing will happen.",
        },
        purpose="staff",
        due_at=now,
        expires_at=now + JOIN_TTL,
        now=now,
    )
    announce(session, StaffInvited(occurred_at=now, staff_id=person.id))
    return link


def let_recover(session: Session, staff_id: UUID, *, now: datetime) -> str:
    """The path of a page on which a person who showed a recovery code makes another means to sign in."""
    by = f"staff:{staff_id}"
    return path_of(_make(session, staff_id, purpose=RECOVER, by=by, expires_at=now + RECOVER_TTL, now=now))


def path_of(token: str) -> str:
    return f"/staff/join/{token}"


def find(session: Session, token: str, *, now: datetime, lock: bool = False) -> StaffInvitation | None:
    """An invitation that still works; None for what is unknown, used, replaced, too old, or of who is suspended.

    lock  so that of two that come at once the second sees what the first did
    """
    query = select(StaffInvitation).where(
        StaffInvitation.token == opaque.kept("staff_invitation", token),
        StaffInvitation.used_at.is_(None),
        StaffInvitation.expires_at > now,
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    row = session.scalar(query)
    if row is None or session.get_one(Staff, row.staff_id).status in (SUSPENDED, "left"):
        return None
    return row


def withdraw(session: Session, staff_id: UUID, *, now: datetime) -> None:
    """Let no link of a person's work any more."""
    mine = (StaffInvitation.staff_id == staff_id, StaffInvitation.used_at.is_(None))
    session.execute(update(StaffInvitation).where(*mine).values(used_at=now))


def forget(session: Session, *, now: datetime, most: int) -> int:
    """Drop up to `most` invitations that were over long ago; returns how many."""
    over = select(StaffInvitation.id).where(StaffInvitation.expires_at <= now - KEPT_FOR).limit(most)
    gone = delete(StaffInvitation).where(StaffInvitation.id.in_(over)).returning(StaffInvitation.id)
    return len(session.execute(gone).all())


def _make(session: Session, staff_id: UUID, *, purpose: str, by: str, expires_at: datetime, now: datetime) -> str:
    withdraw(session, staff_id, now=now)
    token = opaque.new()
    session.add(
        StaffInvitation(
            id=ids.new(),
            staff_id=staff_id,
            purpose=purpose,
            token=opaque.kept("staff_invitation", token),
            made_by=by,
            made_at=now,
            expires_at=expires_at,
        )
    )
    session.flush()
    return token
