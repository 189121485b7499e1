"""Following a link: where it leads, and that it was followed.

A voucher's link holds no code: it is opened only when somebody follows it, by the customer's own key.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import crypto, events
from core.db import connection_of
from core.errors import NotFound
from engage import links
from engage.consents import preferences, unsubscribing
from engage.links.events import LinkClicked
from engage.links.models import OPEN, PREFERENCES, URL, VOUCHER
from engage.outgoing import receipts
from rewards.vouchers import holdings


@dataclass(frozen=True, slots=True)
class Link:
    """is_first: whether nobody followed it before"""

    customer_id: UUID
    reference: UUID
    message_id: UUID | None
    position: int
    kind: str
    target: str | None
    is_first: bool


def find(session: Session, code: str, *, now: datetime) -> Link:
    """A link as it stands, without anybody following it.

    raises  NotFound for a wrong code, and one that is too old
    """
    return _read(session, _FIND, [code, now])


def follow(session: Session, code: str, *, now: datetime) -> Link:
    """A link that somebody follows.

    raises   NotFound
    effects  counts it; announces link.clicked the first time, but for the picture that tells opening
    """
    link = _read(session, _FOLLOW, [now, code, now])
    if link.is_first and link.kind != OPEN:
        clicked = LinkClicked(
            customer_id=link.customer_id,
            occurred_at=now,
            reference=link.reference,
            message_id=link.message_id,
            kind=link.kind,
            position=link.position,
        )
        events.announce(session, clicked)
    return link


def note_opening(session: Session, code: str, *, counts: bool, now: datetime) -> None:
    """The picture of a mail was shown.

    raises   NotFound for a wrong code, and one that is too old
    effects  with `counts`, announces message.opened the first time
    """
    link = find(session, code, now=now)
    if link.kind != OPEN:
        raise NotFound
    if counts and follow(session, code, now=now).is_first and link.message_id is not None:
        receipts.note_opened(session, link.message_id, now=now)


def address_of(session: Session, link: Link, *, now: datetime) -> str:
    """Where a link leads.

    raises  NotFound where that is not there any more: an erased customer's voucher, or one that was given on
    """
    if link.kind == URL and link.target:
        return link.target
    if link.kind == VOUCHER:
        return links.to_voucher(code_of(session, link))
    if link.kind == PREFERENCES and link.target:
        return unsubscribing.url(link.customer_id, link.target, now=now)
    if link.kind == PREFERENCES:
        return preferences.url(link.customer_id, now=now)
    raise NotFound


def code_of(session: Session, link: Link) -> str:
    """The code in clear of a voucher's link.

    raises  NotFound
    """
    if link.kind != VOUCHER or not link.target:
        raise NotFound
    try:
        return holdings.code_of(session, link.customer_id, UUID(link.target))
    except crypto.Erased as error:
        raise NotFound from error


def _read(session: Session, query: str, values: list[object]) -> Link:
    row = connection_of(session).execute(query, values).fetchone()
    if row is None:
        raise NotFound
    return Link(*row)


_FIND = """
    SELECT customer_id, reference, message_id, position, kind, target, false
      FROM engage.tracked_link WHERE code = %s AND expires_at > %s
"""

_FOLLOW = """
    UPDATE engage.tracked_link SET clicks = clicks + 1, first_clicked_at = coalesce(first_clicked_at, %s)
     WHERE code = %s AND expires_at > %s
    RETURNING customer_id, reference, message_id, position, kind, target, clicks = 1
"""
