"""Closing a wallet for ever: only empty, or with its cash on its way to a bank account in the same transaction."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.db import connection_of
from core.errors import Busy
from core.events import announce
from wallet import accounts, balances, ledger, standing
from wallet.accounts import Opening
from wallet.assets import wallet_currencies
from wallet.balances import Balance
from wallet.errors import AccountClosed, InsufficientFunds
from wallet.finance import bank_accounts, customer_payouts
from wallet.finance.bank_accounts import BankAccount
from wallet.identity.events import WalletClosed
from wallet.ledger import LotMove, Transfer
from wallet.topups import requests

PRINCIPAL = "wallet"


@dataclass(frozen=True, slots=True)
class Closure:
    """What left a wallet as it was closed; each an amount_minor with its currency.

    paid_out  with the payout_id, and the end of the account's number to which it goes once a second person agrees
    """

    paid_out: Sequence[dict[str, Any]] = ()
    lapsed: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class _Leaving:
    """All that stands on one account, and where it goes."""

    balance: Balance
    kind: str
    to: Opening


def close(
    session: Session,
    customer_id: UUID,
    *,
    pay_out_to: BankAccount | None,
    forfeits: bool,
    reason: str,
    asked_by: str,
    now: datetime,
) -> Closure:
    """Close every account of a customer, none of which is frozen.

    pay_out_to  the customer's bank account: the cash goes there once a second person agrees (`customer_payouts`), and
                what cannot be paid out lapses
    forfeits    what cannot be paid out lapses: promotional value and points
    asked_by    who named the account, and cannot agree to it
    raises      AccountNotEmpty with what is left (holds and debts too); TopupUnderWay; AccountFrozen, AccountClosed;
                BankAccountInvalid; Erased; Busy where something came in between
    effects     posts all the transfers of its transaction; announces wallet.closed
    """
    account = bank_accounts.checked(pay_out_to) if pay_out_to is not None else None
    owner = lock(session, customer_id)
    if standing.of(session, owner) == "closed":
        raise AccountClosed
    requests.refuse_undecided(session, customer_id)

    leaving = []
    for each in balances.of(session, owner):
        is_free = each.posted > 0 and each.available == each.posted
        if is_free and each.purpose == "cash" and account is not None:
            leaving.append(_Leaving(each, "payout", accounts.of_brand("bank", each.asset)))
        elif is_free and each.purpose in accounts.LOT_PURPOSES and (forfeits or account is not None):
            leaving.append(_Leaving(each, "lapse", accounts.of_brand("breakage", each.asset)))
    transfers = _post(session, customer_id, leaving, now=now)
    standing.close(session, owner)

    paid_out: list[dict[str, Any]] = []
    for left, transfer in zip(leaving, transfers, strict=True):
        if left.kind == "payout" and account is not None:
            payout = customer_payouts.ask(
                session, customer_id=customer_id, currency=left.balance.asset, amount_minor=left.balance.posted,
                transfer_id=transfer.id, account=account, asked_by=asked_by, now=now,
            )  # fmt: skip
            paid_out.append({**_sum(left), "payout_id": payout.id, "number_ends": account.number[-4:]})
    closure = Closure(paid_out, [_sum(each) for each in leaving if each.kind == "lapse"])
    closed = WalletClosed(
        customer_id=customer_id,
        occurred_at=now,
        reason=reason,
        paid_out=[_sum(each) for each in leaving if each.kind == "payout"],
        lapsed=list(closure.lapsed),
    )
    announce(session, closed)
    return closure


def lock(session: Session, customer_id: UUID) -> str:
    """Lock a customer's accounts, so that their standing changes by one at a time; returns their owner.

    effects  opens each account that a customer may have, so that none is opened later past a freezing or a closing
    """
    openings = [accounts.points(customer_id)]
    for asset in wallet_currencies():
        openings.append(accounts.of_customer(customer_id, asset))
        openings.append(accounts.promotional(customer_id, asset))
        openings.append(accounts.debt(customer_id, asset))
    accounts.open_all(session, openings)
    owner = openings[0].owner
    connection_of(session).execute(_LOCK, [owner])
    return owner


def _post(session: Session, customer_id: UUID, leaving: Sequence[_Leaving], *, now: datetime) -> list[Transfer]:
    connection = connection_of(session)
    accounts.open_all(session, [each.to for each in leaving])
    lots = connection.execute(_LOTS, [[each.balance.account_id for each in leaving]]).fetchall()
    moves = [LotMove(lot_id=lot_id, account_id=account_id, amount=-left) for lot_id, account_id, left in lots]
    transfers = [_transfer(customer_id, each, moves, now=now) for each in leaving]
    try:
        ledger.post_all(connection, transfers)
    except InsufficientFunds as error:
        raise Busy from error  # something was spent since the look at the balances
    return transfers


def _transfer(customer_id: UUID, leaving: _Leaving, moves: Sequence[LotMove], *, now: datetime) -> Transfer:
    balance = leaving.balance
    source = Opening(f"customer:{customer_id}", balance.purpose, balance.asset, 0)
    key = f"closure:{customer_id}:{balance.purpose}:{balance.asset}"
    return Transfer(
        id=ids.new(),
        principal=PRINCIPAL,
        key=key,
        fingerprint=hashlib.sha256(key.encode()).digest(),
        kind=leaving.kind,
        legs=(source.leg(-balance.posted), leaving.to.leg(balance.posted)),
        effective_at=now,
        details={"customer_id": str(customer_id), **_sum(leaving)},
        lots=[move for move in moves if move.account_id == balance.account_id],
    )


def _sum(leaving: _Leaving) -> dict[str, Any]:
    return {"amount_minor": leaving.balance.posted, "currency": leaving.balance.asset}


# Not FOR UPDATE, which would wait for every new lot of a posting under way.
_LOCK = "SELECT FROM wallet.account WHERE owner = %s ORDER BY id FOR NO KEY UPDATE"

# Lapsed ones that stand still, too: the account must be empty.
_LOTS = """
    SELECT id, account_id, remaining FROM wallet.lot WHERE account_id = ANY (%s) AND remaining > 0
     ORDER BY id FOR NO KEY UPDATE
"""
