"""Balances: what stands on an owner's accounts now."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from wallet.models import Account
from wallet.models import Balance as BalanceRow


@dataclass(frozen=True, slots=True)
class Balance:
    """units  posted, available: minor units of `asset`; available is what can be spent"""

    account_id: UUID
    purpose: str
    asset: str
    posted: int
    available: int


def of(session: Session, owner: str) -> list[Balance]:
    """Every open account of an owner ("customer:<uuid>"), by purpose and asset; empty for one who has none."""
    query = (
        select(Account.id, Account.purpose, Account.asset, BalanceRow.posted, BalanceRow.held)
        .join(BalanceRow, BalanceRow.account_id == Account.id)
        .where(Account.owner == owner, Account.status == "open")
        .order_by(Account.purpose, Account.asset)
    )
    return [
        Balance(account_id, purpose, asset, posted, posted - held)
        for account_id, purpose, asset, posted, held in session.execute(query)
    ]
