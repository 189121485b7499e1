"""The links of a customer, and undoing one that was wrong."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit
from core.db import connection_of
from core.errors import NotFound
from insights.identities import linking
from insights.identities.errors import UndoTooLate
from insights.identities.models import KeptApart, Link
from insights.profiles import rebuilds


@dataclass(frozen=True, slots=True)
class ShownLink:
    """A link as staff see it; the subject is a pseudonym, and is told so that two links can be seen to be of one."""

    id: UUID
    subject_id: str
    customer_id: UUID
    evidence: str
    status: str
    made_at: datetime
    undo_until: datetime
    undone_at: datetime | None
    undone_by: str | None


def of(session: Session, customer_id: UUID, *, after: UUID | None = None, limit: int) -> list[ShownLink]:
    """A customer's links, the latest first, those that ended too."""
    query = select(Link).where(Link.customer_id == customer_id).order_by(Link.id.desc()).limit(limit)
    if after is not None:
        query = query.where(Link.id < after)
    return [_shown(link) for link in session.scalars(query)]


def undo(session: Session, link_id: UUID, *, actor: str, now: datetime) -> ShownLink:
    """Keep a subject and a customer apart, for ever. Whoever has the next best claim to the subject gets it.

    raises   NotFound; UndoTooLate 30 days after it was made
    effects  the profile is told again from the log soon; announces identity.undone; writes the audit log. One that has
             ended already stays as it is
    """
    link = session.get(Link, link_id)
    if link is None:
        raise NotFound
    connection = connection_of(session)
    linking.lock(connection, link.subject_id)
    session.refresh(link)
    if link.undone_at is not None:
        return _shown(link)
    if now >= link.undo_until:
        raise UndoTooLate

    session.add(KeptApart(subject_id=link.subject_id, customer_id=link.customer_id))
    session.flush()
    settled = linking.settle(session, [link.subject_id], now=now, by=actor)
    for customer_id in sorted({*settled.lost, *(owner for owner in settled.owners.values() if owner)}):
        rebuilds.ask(session, customer_id, now=now)
    change = {"customer": str(link.customer_id), "evidence": link.evidence}
    audit.record(session, actor=actor, action="identity.undo", target=f"link:{link_id}", change=change, now=now)

    session.refresh(link)
    return _shown(link)


def are_apart(session: Session, subject_id: str, customer_id: UUID) -> bool:
    """Whether it was undone that the subject is this customer."""
    return session.get(KeptApart, (subject_id, customer_id)) is not None


def _shown(link: Link) -> ShownLink:
    return ShownLink(
        id=link.id,
        subject_id=link.subject_id,
        customer_id=link.customer_id,
        evidence=link.evidence,
        status="undone" if link.undone_at else "linked",
        made_at=link.made_at,
        undo_until=link.undo_until,
        undone_at=link.undone_at,
        undone_by=link.undone_by,
    )
