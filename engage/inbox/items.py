"""The app's inbox: what was said to a customer, sealed, to be read again."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from core import crypto, ids
from core.errors import NotFound
from engage.inbox.models import InboxItem

_PLACE = "inbox_item.content"


@dataclass(frozen=True, slots=True)
class NewItem:
    """voucher_id: the voucher that the item names, so that the app can open it."""

    customer_id: UUID
    title: str | None
    body: str
    voucher_id: UUID | None


@dataclass(frozen=True, slots=True)
class Item:
    """An item in clear, for its customer's eyes."""

    id: UUID
    title: str | None
    body: str
    voucher_id: UUID | None
    created_at: datetime
    read_at: datetime | None


def put_all(session: Session, new: Sequence[NewItem], *, now: datetime) -> None:
    """Keep many items with one statement.

    raises  crypto.Erased when a customer has no data key
    """
    if new:
        session.execute(insert(InboxItem), [_row(session, item, now=now) for item in new])


def list_(session: Session, customer_id: UUID, *, before: UUID | None, limit: int) -> list[Item]:
    """The latest first, from the one before `before` on; none once the customer is erased."""
    query = select(InboxItem).where(InboxItem.customer_id == customer_id).order_by(InboxItem.id.desc()).limit(limit)
    if before is not None:
        query = query.where(InboxItem.id < before)
    items = []
    for row in session.scalars(query):
        try:
            items.append(_opened(session, row))
        except crypto.Erased:
            continue
    return items


def mark_read(session: Session, customer_id: UUID, item_id: UUID, *, now: datetime) -> Item:
    """Keep when the customer first read an item.

    raises  NotFound for an item that is not theirs
    """
    row = session.get(InboxItem, item_id, with_for_update=True)
    if row is None or row.customer_id != customer_id:
        raise NotFound
    row.read_at = row.read_at or now
    return _opened(session, row)


def unread_count(session: Session, customer_id: UUID) -> int:
    """How many items this customer has not read."""
    query = select(func.count()).where(InboxItem.customer_id == customer_id, InboxItem.read_at.is_(None))
    return session.scalar(query) or 0


def _row(session: Session, item: NewItem, *, now: datetime) -> dict[str, object]:
    item_id = ids.new()
    text = json.dumps({"title": item.title, "body": item.body}, ensure_ascii=False)
    return {
        "id": item_id,
        "customer_id": item.customer_id,
        "voucher_id": item.voucher_id,
        "content": crypto.seal(session, owner_id=item.customer_id, place=_PLACE, row_id=item_id, text=text),
        "created_at": now,
    }


def _opened(session: Session, row: InboxItem) -> Item:
    text = crypto.unseal(session, owner_id=row.customer_id, place=_PLACE, row_id=row.id, ciphertext=row.content)
    content = json.loads(text)
    return Item(row.id, content["title"], content["body"], row.voucher_id, row.created_at, row.read_at)
