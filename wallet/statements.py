"""Statements: what happened on an owner's accounts, the latest first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from wallet.models import Account, Entry, TransferRow


@dataclass(frozen=True, slots=True)
class Line:
    """One entry with why it is there.

    amount   minor units of `asset`, negative when it left the account
    details  of the transfer: merchant_id, reference and the like
    """

    id: UUID
    transfer_id: UUID
    kind: str
    purpose: str
    asset: str
    amount: int
    balance_after: int
    effective_at: datetime
    details: Mapping[str, Any]


def entries(session: Session, *, owner: str, before: UUID | None = None, limit: int = 50) -> list[Line]:
    """The latest entries of an owner, those made before the entry `before` (the page's last one) where it is given."""
    # The latest of each account first: one ordered query over all might walk back through everybody's entries.
    own = select(Entry).where(Entry.account_id == Account.id).order_by(Entry.id.desc()).limit(limit)
    if before is not None:
        own = own.where(Entry.id < before)
    latest = own.lateral("latest")
    query = (
        select(
            latest.c.id,
            latest.c.transfer_id,
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
        .order_by(latest.c.id.desc())
        .limit(limit)
    )
    return [Line(*row) for row in session.execute(query)]
