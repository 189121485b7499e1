"""Statements: what happened on an owner's accounts, the latest first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from wallet.models import Account, Entry, TransferRow


@dataclass(frozen=True, slots=True)
class Line:
    """One entry with why it is there.

    amount   minor units of `asset`, negative when it left the account
    details  of the transfer: merchant_id, reference and the like
    """

    transfer_id: UUID
    account_id: UUID
    kind: str
    purpose: str
    asset: str
    amount: int
    balance_after: int
    effective_at: datetime
    details: Mapping[str, Any]


#: Where a page ended: a transfer and an account.
Position = tuple[UUID, UUID]


def entries(session: Session, *, owner: str, before: Position | None = None, limit: int = 50) -> list[Line]:
    """The latest entries of an owner, those made before the position `before` (the page's last one) where given."""
    # The latest of each account first: one ordered query over all might walk back through everybody's entries.
    own = select(Entry).where(Entry.account_id == Account.id).order_by(Entry.transfer_id.desc()).limit(limit)
    if before is not None:
        own = own.where(tuple_(Entry.transfer_id, Entry.account_id) < tuple_(*before))
    latest = own.lateral("latest")
    query = (
        select(
            latest.c.transfer_id,
            latest.c.account_id,
            TransferRow.kind,
            Account.purpose,
            Account.asset,
            latest.c.amount,
            latest.c.balance_after,
            latest.c.effective_at,
            TransferRow.details,
        )
        .select_from(Account)
        .join(latest, latest.c.account_id == Account.id)
        .join(TransferRow, TransferRow.id == latest.c.transfer_id)
        .where(Account.owner == owner)
        .order_by(latest.c.transfer_id.desc(), latest.c.account_id.desc())
        .limit(limit)
    )
    return [Line(*row) for row in session.execute(query)]
