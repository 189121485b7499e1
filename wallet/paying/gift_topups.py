"""Top-ups from a gift card: its value moves into the wallet, for those who would rather have it in one place.

What was paid for with money becomes cash. What the brand gave becomes promotional value that lapses when the card would
have: as cash it could be paid out, and customers would be owed money that nobody ever brought in.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.db import Connection, connection_of
from wallet import accounts, answers, ledger, lots
from wallet.answers import GiftCard
from wallet.assets import wallet_currencies
from wallet.errors import InsufficientFunds
from wallet.paying.errors import GiftCardUnknown
from wallet.topups import debts
from wallet.topups.events import TopupCompleted
from wallet.transfers import Leg, Limit, LotMove, Posted, Transfer

KIND = "topup"


def take(
    session: Session,
    *,
    principal: str,
    key: str,
    fingerprint: bytes,
    customer_id: UUID,
    voucher_id: UUID,
    amount_minor: int | None,
    at: datetime,
) -> Posted:
    """Move a gift card's value, or a part of it, into its customer's wallet; what they owe is paid out of cash first.

    units    amount_minor: of the card's currency; None for all that is on it
    raises   GiftCardUnknown, InsufficientFunds, LimitExceeded (cash counts as money received), AccountFrozen; KeyReused
    effects  announces topup.completed
    """
    connection = connection_of(session)
    done = ledger.find(connection, principal=principal, key=key, fingerprint=fingerprint)
    if done is not None:
        return done
    card = next((card for card in _cards(connection, customer_id, at) if card.voucher_id == voucher_id), None)
    if card is None:
        raise GiftCardUnknown
    amount = card.available_minor if amount_minor is None else amount_minor
    if amount > card.available_minor:
        raise InsufficientFunds

    cash_minor = _paid_share(connection, card, amount)
    transfer_id, currency = ids.new(), card.account.asset
    moved = _into_wallet(connection, customer_id, card, cash_minor, amount - cash_minor)
    completed = TopupCompleted(
        customer_id=customer_id, occurred_at=at, topup_id=transfer_id, amount_minor=amount, currency=currency
    )
    transfer = Transfer(
        id=transfer_id,
        principal=principal,
        key=key,
        fingerprint=fingerprint,
        kind=KIND,
        legs=(card.account.leg(-amount), *moved.legs),
        effective_at=at,
        details={
            "topup_id": str(transfer_id),
            "customer_id": str(customer_id),
            "voucher_id": str(voucher_id),
            "amount_minor": amount,
            "cash_minor": cash_minor,
            "currency": currency,
        },
        lots=moved.lots,
        limits=moved.limits,
        events=(completed,),
    )
    return ledger.post(connection, transfer)


@dataclass(frozen=True, slots=True)
class _Moved:
    legs: Sequence[Leg]
    lots: Sequence[LotMove]
    limits: Sequence[Limit]


def _into_wallet(
    connection: Connection, customer_id: UUID, card: GiftCard, cash_minor: int, given_minor: int
) -> _Moved:
    purse = (customer_id, card.account.asset)
    cash, promotional = accounts.of_customer(*purse), accounts.promotional(*purse)
    accounts.open_all(connection, [cash, promotional])
    legs: list[Leg] = []
    moves: list[LotMove] = []
    limits: list[Limit] = []
    if cash_minor:
        legs += debts.credit(purse, cash_minor, owed=debts.owed_by(connection, {purse}).get(purse, 0))
        limits.append(
            Limit(customer_id=customer_id, scope="load", asset=cash.asset, amount=cash_minor, account_id=cash.id)
        )
    if given_minor:
        leg, move = lots.give(promotional, given_minor, source="gift_card", expires_at=card.expires_at)
        legs.append(leg)
        moves.append(move)
    return _Moved(legs, moves, limits)


def _paid_share(connection: Connection, card: GiftCard, amount: int) -> int:
    """How much of an amount was paid for with money, by what filled the card: of one filled 30.00 by a budget and 20.00
    by a customer, 25.00 are 10.00 of cash (rounded up).

    All that the card moved so far is rounded together: else, moved by single cents, each of them would become cash.
    Locks the card's account, so that of two at once the second knows of the first.
    """
    connection.execute("SELECT FROM wallet.account WHERE id = %s FOR NO KEY UPDATE", [card.account.id])
    row = connection.execute(_ORIGIN, [card.account.id]).fetchone()
    paid, filled = row or (0, 0)
    row = connection.execute(_MOVED, [KIND, card.account.id]).fetchone()
    moved, as_cash = row or (0, 0)
    due = -(-(moved + amount) * int(paid) // int(filled)) - as_cash if filled else 0
    return min(max(due, 0), amount)


def _cards(connection: Connection, customer_id: UUID, at: datetime) -> Iterator[GiftCard]:
    for currency in wallet_currencies():
        yield from answers.gift_cards_of(connection, customer_id, currency, at)


# What filled the card, refunds left out. Only money that came in makes it a paid one: a customer's, or what a merchant
# took for it at a till and owes us.
_ORIGIN = """
    SELECT coalesce(sum(e.amount * source.paid / source.given), 0)::bigint, coalesce(sum(e.amount), 0)::bigint
      FROM wallet.entry e
      JOIN wallet.transfer t ON t.id = e.transfer_id AND t.parent_id IS NULL
      JOIN wallet.account a ON a.id = e.account_id
     CROSS JOIN LATERAL (
           SELECT coalesce(sum(x.amount) FILTER (WHERE xa.purpose IN ('cash', 'provider', 'payable')), 0) AS paid,
                  sum(x.amount) AS given
             FROM wallet.entry x JOIN wallet.account xa ON xa.id = x.account_id AND xa.asset = a.asset
            WHERE x.transfer_id = e.transfer_id AND x.amount < 0) source
     WHERE e.account_id = %s AND e.amount > 0
"""

# What it has moved into the wallet so far, and how much of that as cash.
_MOVED = """
    SELECT coalesce(sum(-e.amount), 0)::bigint, coalesce(sum((t.details ->> 'cash_minor')::bigint), 0)::bigint
      FROM wallet.entry e JOIN wallet.transfer t ON t.id = e.transfer_id AND t.kind = %s
     WHERE e.account_id = %s AND e.amount < 0
"""
