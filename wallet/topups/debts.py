"""What customers owe after claw-backs: taken from their cash as far as it goes, and paid back by what comes in."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.db import Connection, connection_of
from wallet import accounts, ledger
from wallet.assets import wallet_currencies
from wallet.topups.events import DebtPaid
from wallet.transfers import Leg, Transfer

KIND = "debt"

#: Whose money, in which currency.
Purse = tuple[UUID, str]


@dataclass(frozen=True, slots=True)
class Standing:
    """spendable: of the cash, 0 where nothing may leave it; owed: at least 0."""

    spendable: int
    owed: int


def owed_by(connection: Connection, purses: Collection[Purse]) -> Mapping[Purse, int]:
    """What those who owe anything owe, with their cash and debt locked for this transaction."""
    return {purse: standing.owed for purse, standing in _locked_debtors(connection, purses).items()}


def lock(connection: Connection, purse: Purse) -> Standing:
    """How cash and debt stand, locked for this transaction."""
    return _lock_all(connection, [purse])[purse]


def credit(purse: Purse, amount: int, *, owed: int) -> Sequence[Leg]:
    """The legs by which a customer gets an amount: what they owe is paid first.

    Of 25.00 with 10.00 owed, 10.00 pay the debt and 15.00 are cash.
    """
    paid = min(owed, amount)
    both = (accounts.debt(*purse).leg(paid), accounts.of_customer(*purse).leg(amount - paid))
    return [leg for leg in both if leg.amount]


def debit(purse: Purse, amount: int, *, spendable: int) -> Sequence[Leg]:
    """The legs by which an amount is taken back: from cash as far as it goes, the rest is owed."""
    taken = min(spendable, amount)
    both = (accounts.of_customer(*purse).leg(-taken), accounts.debt(*purse).leg(taken - amount))
    return [leg for leg in both if leg.amount]


def collect(session: Session, customer_ids: Collection[UUID], *, now: datetime) -> int:
    """Have those among these customers who owe pay it out of their cash, as far as it goes; how many paid.

    For credits that do not pay it themselves, as top-ups do. Posts, so it comes last in its transaction.
    effects  announces debt.paid; locks the accounts of those who owe
    """
    connection = connection_of(session)
    purses = [(customer_id, currency) for customer_id in customer_ids for currency in wallet_currencies()]
    transfers = [
        _payment(purse, paid, now=now)
        for purse, standing in _locked_debtors(connection, purses).items()
        if (paid := min(standing.spendable, standing.owed))
    ]
    ledger.post_all(connection, transfers)
    return len(transfers)


def _locked_debtors(connection: Connection, purses: Collection[Purse]) -> dict[Purse, Standing]:
    # Asked without a lock first, since hardly anybody owes.
    debtors = {row[0] for row in connection.execute(_DEBTORS, [[_debt(purse) for purse in purses]])}
    return _lock_all(connection, [purse for purse in purses if _debt(purse) in debtors]) if debtors else {}


def _lock_all(connection: Connection, purses: Sequence[Purse]) -> dict[Purse, Standing]:
    """In the order in which a posting locks them."""
    cash = {purse: accounts.of_customer(*purse) for purse in purses}
    debt = {purse: accounts.debt(*purse) for purse in purses}
    accounts.open_all(connection, [*cash.values(), *debt.values()])
    wanted = [opening.id for opening in (*cash.values(), *debt.values())]
    rows = {row[0]: row[1:] for row in connection.execute(_LOCK, [wanted])}
    return {purse: _standing(rows[cash[purse].id], rows[debt[purse].id]) for purse in purses}


def _standing(cash: tuple[int, int, str], debt: tuple[int, int, str]) -> Standing:
    posted, held, status = cash
    return Standing(spendable=max(posted - held, 0) if status == "open" else 0, owed=max(-debt[0], 0))


def _payment(purse: Purse, paid: int, *, now: datetime) -> Transfer:
    transfer_id, (customer_id, currency) = ids.new(), purse
    return Transfer(
        id=transfer_id,
        principal="wallet",
        key=f"debt:{transfer_id}",
        fingerprint=customer_id.bytes,
        kind=KIND,
        legs=(accounts.of_customer(*purse).leg(-paid), accounts.debt(*purse).leg(paid)),
        effective_at=now,
        details={"customer_id": str(customer_id), "amount_minor": paid, "currency": currency},
        events=(DebtPaid(customer_id=customer_id, occurred_at=now, amount_minor=paid, currency=currency),),
    )


def _debt(purse: Purse) -> UUID:
    return accounts.debt(*purse).id


_DEBTORS = "SELECT account_id FROM wallet.balance WHERE account_id = ANY (%s) AND posted < 0"

_LOCK = """
    SELECT account_id, posted, held, status FROM wallet.balance WHERE account_id = ANY (%s)
     ORDER BY account_id FOR NO KEY UPDATE
"""
