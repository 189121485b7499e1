"""The app's inbox: what was said to a customer, sealed, to be read again."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, or_, select, tuple_
from sqlalchemy.orm import Session

from core import crypto, events, ids
from core.db import connection_of
from core.errors import NotFound
from engage.inbox.events import InboxItemRead, InboxItemTakenBack
from engage.inbox.models import InboxItem

_PLACE = "inbox_item.content"


@dataclass(frozen=True, slots=True)
class NewItem:
    """voucher_id: the voucher that the item names, so that the app can open it.

    rich        image, deep_link and actions ([{"id", "title", "link"}]), as far as there are any
    reference   what the message was for, drawn for it alone: it is the item's id, too, and told when it is read
    expires_at  from when on it is of no use; None: it stays of use
    shown_from  before then nobody sees it; None: at once
    """

    customer_id: UUID
    title: str | None
    body: str
    voucher_id: UUID | None
    rich: Mapping[str, Any] = field(default_factory=dict)
    reference: UUID | None = None
    expires_at: datetime | None = None
    shown_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """An item in clear, for its customer's eyes. created_at: since when they see it"""

    id: UUID
    title: str | None
    body: str
    voucher_id: UUID | None
    image: str | None
    deep_link: str | None
    actions: Sequence[Mapping[str, str]]
    expires_at: datetime | None
    created_at: datetime
    read_at: datetime | None


def put_all(session: Session, new: Sequence[NewItem], *, now: datetime) -> None:
    """Keep many items with one statement.

    raises  crypto.Erased when a customer has no data key
    """
    if not new:
        return
    crypto.fetch_data_keys(session, [item.customer_id for item in new])
    drawn = [item.reference or ids.new() for item in new]
    connection_of(session).execute(
        _PUT,
        [
            now,
            drawn,
            [item.customer_id for item in new],
            [item.voucher_id for item in new],
            [_sealed(session, item, item_id) for item, item_id in zip(new, drawn, strict=True)],
            [item.reference for item in new],
            [item.expires_at for item in new],
            [item.shown_from or now for item in new],
        ],
    )


_PUT = """
    INSERT INTO engage.inbox_item (created_at, id, customer_id, voucher_id, content, reference, expires_at, shown_from)
    SELECT %s, id, customer_id, voucher_id, content, reference, expires_at, shown_from
      FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %b::bytea[], %s::uuid[], %s::timestamptz[], %s::timestamptz[])
           AS new (id, customer_id, voucher_id, content, reference, expires_at, shown_from)
"""


def take_back(
    session: Session, references: Collection[UUID], *, now: datetime, are_seen: bool = True
) -> dict[UUID, datetime]:
    """Drop items whose messages were taken back, but those that were read; says by reference when they were shown.

    are_seen  also those that somebody may see by now
    effects   announces inbox_item.taken_back of each of these
    """
    query = delete(InboxItem).where(InboxItem.id.in_(references), InboxItem.read_at.is_(None))
    if not are_seen:
        query = query.where(InboxItem.shown_from > now)
    columns = (InboxItem.id, InboxItem.customer_id, InboxItem.reference, InboxItem.shown_from)
    gone = session.execute(query.returning(*columns)).all()
    told = [
        InboxItemTakenBack(customer_id=row.customer_id, occurred_at=now, item_id=row.id, reference=row.reference)
        for row in gone
        if row.shown_from <= now
    ]
    events.announce_all(session, told)
    return {row.id: row.shown_from for row in gone}


def list_(session: Session, customer_id: UUID, *, before: UUID | None, limit: int, now: datetime) -> list[Item]:
    """What is shown by now, the latest first, from the one before `before` on; none once the customer is erased."""
    query = select(InboxItem).where(InboxItem.customer_id == customer_id, InboxItem.shown_from <= now)
    if before is not None:
        query = query.where(tuple_(InboxItem.shown_from, InboxItem.id) < (_place(session, before, now=now), before))
    items = []
    for row in session.scalars(query.order_by(InboxItem.shown_from.desc(), InboxItem.id.desc()).limit(limit)):
        try:
            items.append(_opened(session, row))
        except crypto.Erased:
            continue
    return items


def _place(session: Session, item_id: UUID, *, now: datetime) -> datetime:
    """Since when an item is shown; of one that was taken back meanwhile, when it was made, which is not to come."""
    shown_from = session.scalar(select(InboxItem.shown_from).where(InboxItem.id == item_id))
    return shown_from or (ids.made_at(item_id) if item_id < ids.least_at(now) else now)


#: An item's id is drawn before it commits; writing transactions live for a quarter of a second.
_COMMITS_WITHIN = timedelta(seconds=5)


def put_since(
    session: Session, customer_id: UUID, since: datetime, *, now: datetime, limit: int = 50
) -> list[tuple[UUID, datetime]]:
    """(id, when) of the latest items that may have been put, or shown first, since an instant of the real clock; the
    newest first."""
    since -= _COMMITS_WITHIN
    query = (
        select(InboxItem.id, func.greatest(InboxItem.created_at, InboxItem.shown_from).label("at"))
        .where(InboxItem.customer_id == customer_id, InboxItem.shown_from <= now)
        .where(or_(InboxItem.id >= ids.least_at(since), InboxItem.shown_from >= since))
        .order_by(InboxItem.shown_from.desc(), InboxItem.id.desc())
        .limit(limit)
    )
    return [(row.id, row.at) for row in session.execute(query)]


def mark_read(session: Session, customer_id: UUID, item_id: UUID, *, now: datetime) -> Item:
    """Keep when the customer first read an item.

    raises   NotFound for an item that is not theirs, or not shown yet
    effects  announces inbox_item.read the first time
    """
    row = session.get(InboxItem, item_id, with_for_update=True)
    if row is None or row.customer_id != customer_id or row.shown_from > now:
        raise NotFound
    if row.read_at is None:
        row.read_at = now
        read = InboxItemRead(customer_id=customer_id, occurred_at=now, item_id=item_id, reference=row.reference)
        events.announce(session, read)
    return _opened(session, row)


def unread_count(session: Session, customer_id: UUID, *, now: datetime) -> int:
    """How many items that are shown and still of use this customer has not read."""
    query = select(func.count()).where(
        InboxItem.customer_id == customer_id,
        InboxItem.read_at.is_(None),
        InboxItem.shown_from <= now,
        or_(InboxItem.expires_at.is_(None), InboxItem.expires_at > now),
    )
    return session.scalar(query) or 0


def _sealed(session: Session, item: NewItem, item_id: UUID) -> bytes:
    text = json.dumps({"title": item.title, "body": item.body, **item.rich}, ensure_ascii=False)
    return crypto.seal(session, owner_id=item.customer_id, place=_PLACE, row_id=item_id, text=text)


def _opened(session: Session, row: InboxItem) -> Item:
    text = crypto.unseal(session, owner_id=row.customer_id, place=_PLACE, row_id=row.id, ciphertext=row.content)
    content = json.loads(text)
    return Item(
        id=row.id,
        title=content["title"],
        body=content["body"],
        voucher_id=row.voucher_id,
        image=content.get("image"),
        deep_link=content.get("deep_link"),
        actions=content.get("actions", []),
        expires_at=row.expires_at,
        created_at=max(row.created_at, row.shown_from),
        read_at=row.read_at,
    )
