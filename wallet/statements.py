"""Statements: what happened on an owner's accounts, the latest first, and all of it or what is looked for."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, true, tuple_
from sqlalchemy.orm import Session

from wallet.models import Account, Entry, TransferRow


@dataclass(frozen=True, slots=True)
class Line:
    """One entry with why it is there.

    amount         minor units of `asset`, negative when it left the account
    balance_after  in the order in which the ledger recorded them
    details        of the transfer: merchant_id, reference and the like
    """

    transfer_id: UUID
    account_id: UUID
    kind: str
    purpose: str
    asset: str
    amount: int
    balance_after: int
    effective_at: datetime
    recorded_at: datetime
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a line must be; None: anything.

    since, until  business time: since <= effective_at < until
    least, most   minor units that moved, whichever way
    text          stands in the reference, in whatever case
    recorded_by   the ledger had recorded it by then
    """

    kind: str | None = None
    purpose: str | None = None
    asset: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    merchant_id: UUID | None = None
    least: int | None = None
    most: int | None = None
    text: str | None = None
    recorded_by: datetime | None = None


#: Where a page ended: a transfer and an account.
Position = tuple[UUID, UUID]

ALL = Search()


def entries(
    session: Session, *, owner: str, search: Search = ALL, before: Position | None = None, limit: int = 50
) -> list[Line]:
    """The latest entries of an owner that fit, those made before the position `before` (the page's last one) if given.

    Pages stay as they are while entries are added: a new one is in front of the first page.
    """
    # The latest of each account first, by ix_entry_account_id_transfer_id backwards: one ordered query over all
    # accounts might walk back through everybody's entries. Without a search that reads `limit` entries of each; a
    # search that finds little reads all of them, each with its transfer by the key (100 000 take a tenth of a second).
    own = (
        select(
            Entry.transfer_id,
            Entry.account_id,
            TransferRow.kind,
            Entry.amount,
            Entry.balance_after,
            Entry.effective_at,
            Entry.recorded_at,
            TransferRow.details,
        )
        .join(TransferRow, TransferRow.id == Entry.transfer_id)
        .where(Entry.account_id == Account.id, *_fits(search))
        .order_by(Entry.transfer_id.desc(), Entry.account_id.desc())
        .limit(limit)
    )
    if before is not None:
        own = own.where(tuple_(Entry.transfer_id, Entry.account_id) < tuple_(*before))
    latest = own.lateral("latest")
    query = (
        select(
            latest.c.transfer_id,
            latest.c.account_id,
            latest.c.kind,
            Account.purpose,
            Account.asset,
            latest.c.amount,
            latest.c.balance_after,
            latest.c.effective_at,
            latest.c.recorded_at,
            latest.c.details,
        )
        .select_from(Account)
        .join(latest, true())
        .where(Account.owner == owner)
        .order_by(latest.c.transfer_id.desc(), latest.c.account_id.desc())
        .limit(limit)
    )
    if search.purpose is not None:
        query = query.where(Account.purpose == search.purpose)
    if search.asset is not None:
        query = query.where(Account.asset == search.asset)
    return [Line(*row) for row in session.execute(query)]


def _fits(search: Search) -> list[ColumnElement[bool]]:
    """What an entry and its transfer must be."""
    amount, merchant_id = func.abs(Entry.amount), TransferRow.details["merchant_id"].astext
    asked: list[tuple[Any, Callable[[Any, Any], Any], Any]] = [
        (TransferRow.kind, operator.eq, search.kind),
        (merchant_id, operator.eq, None if search.merchant_id is None else str(search.merchant_id)),
        (TransferRow.details["reference"].astext, _contains, search.text),
        (Entry.effective_at, operator.ge, search.since),
        (Entry.effective_at, operator.lt, search.until),
        (Entry.recorded_at, operator.le, search.recorded_by),
        (amount, operator.ge, search.least),
        (amount, operator.le, search.most),
    ]
    return [compare(column, value) for column, compare, value in asked if value is not None]


def _contains(column: Any, text: str) -> Any:
    return column.icontains(text, autoescape=True)
