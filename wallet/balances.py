"""Balances: what stands on an owner's accounts now."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import BigInteger, cast, func, select
from sqlalchemy.orm import Session

from wallet import accounts
from wallet.assets import brand_currency
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


def of_customer(session: Session, customer_id: UUID) -> list[Balance]:
    """A customer's balances; their cash in the brand's currency is always among them.

    The wallet of somebody who has just signed up is opened a moment later, and an app should not have to know of that.
    """
    cash = accounts.of_customer(customer_id, brand_currency())
    found = of(session, cash.owner)
    if any(each.account_id == cash.id for each in found):
        return found
    return [Balance(cash.id, cash.purpose, cash.asset, 0, 0), *found]


def of(session: Session, owner: str) -> list[Balance]:
    """Every account of an owner ("customer:<uuid>") that is not closed, by purpose and asset."""
    posted, held = func.sum(BalanceRow.posted), func.sum(BalanceRow.held)
    query = (
        select(Account.id, Account.purpose, Account.asset, cast(posted, BigInteger), cast(posted - held, BigInteger))
        .join(BalanceRow, BalanceRow.account_id == Account.id)
        .where(Account.owner == owner, Account.status != "closed")
        .group_by(Account.id)
        .order_by(Account.purpose, Account.asset)
    )
    return [Balance(*row) for row in session.execute(query)]
