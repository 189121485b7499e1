"""Balances: what stands on an owner's accounts now."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, cast, func, select
from sqlalchemy.orm import Session

from core.db import connection_of
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


def of_customer_as_of(
    session: Session, customer_id: UUID, *, at: datetime, recorded_by: datetime | None = None
) -> list[Balance]:
    """A customer's balances at an instant of business time, that instant included: what replaying the entries gives.

    Their cash in the brand's currency is always among them; an account closed since then is where it held something.

    recorded_by  leave out what the ledger recorded later, to see what it would have answered then
    """
    cash = accounts.of_customer(customer_id, brand_currency())
    names = {"owner": cash.owner, "customer_id": customer_id, "at": at, "recorded_by": recorded_by}
    rows = connection_of(session).execute(_AS_OF, names).fetchall()
    found = [Balance(*row) for row in rows]
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


# All entries of the owner's accounts are read, by ix_entry_account_id_transfer_id: ids are in the order of making, so
# none can be passed over by its time (a transfer may take effect before it is made). 100 000 take some 40 ms
# (measured); an index of business time would save some of that, and be written with every entry.
_AS_OF = """
    WITH own AS (
        SELECT id, purpose, asset, status FROM wallet.account WHERE owner = %(owner)s
    ), posted AS (
        SELECT e.account_id, sum(e.amount)::bigint AS amount
          FROM own JOIN wallet.entry e ON e.account_id = own.id
         WHERE e.effective_at <= %(at)s
           AND (%(recorded_by)s::timestamptz IS NULL OR e.recorded_at <= %(recorded_by)s)
         GROUP BY e.account_id
    ), held AS (
        SELECT p.account_id, sum(m.held)::bigint AS amount
          FROM wallet.hold h
          JOIN wallet.hold_part p ON p.hold_id = h.id
          JOIN wallet.hold_move m ON m.hold_id = p.hold_id AND m.place = p.place
          JOIN wallet.transfer t ON t.id = m.transfer_id
         WHERE h.customer_id = %(customer_id)s AND t.effective_at <= %(at)s
           AND (%(recorded_by)s::timestamptz IS NULL OR t.recorded_at <= %(recorded_by)s)
         GROUP BY p.account_id)
    SELECT own.id, own.purpose, own.asset, coalesce(posted.amount, 0),
           coalesce(posted.amount, 0) - coalesce(held.amount, 0)
      FROM own
      LEFT JOIN posted ON posted.account_id = own.id
      LEFT JOIN held ON held.account_id = own.id
     WHERE own.status <> 'closed' OR posted.amount <> 0
     ORDER BY own.purpose, own.asset
"""
