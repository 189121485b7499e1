"""Refunds: a bought gift card that nothing was done with becomes its buyer's cash again."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from core import audit, ids
from core.db import Connection, connection_of
from core.errors import NotFound
from rewards.errors import VoucherUnknown
from rewards.gift_cards import buying, cards
from rewards.gift_cards.cards import Card
from rewards.gift_cards.errors import GiftCardGiven, GiftCardMoved, GiftCardPromised, GiftCardRefundTooLate
from rewards.gift_cards.events import GiftCardRefunded
from wallet import accounts, ledger, standing
from wallet.errors import InsufficientFunds
from wallet.peers import wallets
from wallet.transfers import Transfer

KIND = "gift_card.refund"

#: How long after money came onto a card it can be given back (in the EU the law says so of what is bought at a
#: distance: Directive 2011/83/EU, article 9).
WITHDRAWN_WITHIN = timedelta(days=14)

#: (transfer, amount, when) of each time that money came onto a card.
_Filled = tuple[UUID, int, datetime]


def refund(session: Session, card_id: UUID, *, customer_id: UUID, now: datetime) -> UUID:
    """Give a bought card back: every amount that came onto it goes to the cash that it came from; the card's id.

    raises   VoucherUnknown for another's; GiftCardGiven; GiftCardMoved where anything left the card, or came from
             another card, or it was received as a gift; GiftCardPromised; GiftCardRefundTooLate when some of the money
             is on it for more than 14 days; AccountFrozen, AccountClosed
    effects  announces gift_card.refunded; posts
    """
    connection = connection_of(session)
    [card] = cards.lock(connection, [card_id], holder_id=customer_id)
    if not card.is_bought:
        raise GiftCardGiven
    if card.buyer_id != customer_id:
        raise GiftCardMoved
    standing.check_may_leave(connection, f"customer:{customer_id}")
    filled = _check_untouched(connection, card, now=now)

    wallets.ready(session, customer_id, card.currency)
    connection.execute("SELECT wallet.open_parts(%s::uuid[])", [[each[0] for each in filled]])
    cards.keep(
        connection, card.id, state="used_up", expires_at=card.expires_at, buyer_id=card.buyer_id,
        keeps_until=card.keeps_until,
    )  # fmt: skip
    try:
        ledger.post_all(connection, [_back(card, *each, now=now) for each in filled])
    except InsufficientFunds as refusal:  # a till was quicker
        raise GiftCardMoved from refusal
    return card.id


def refund_of_anybody(session: Session, card_id: UUID, *, actor: str, now: datetime) -> UUID:
    """`refund` for its holder, by staff.

    raises   NotFound for no card; as `refund`
    effects  an audit row
    """
    query = "SELECT customer_id FROM rewards.voucher WHERE id = %s"
    row = connection_of(session).execute(query, [card_id]).fetchone()
    if row is None or row[0] is None:
        raise NotFound("There is no such gift card")
    try:
        refund(session, card_id, customer_id=row[0], now=now)
    except VoucherUnknown as unknown:
        raise NotFound("There is no such gift card") from unknown
    audit.record(
        session, actor=actor, action="gift_card.refund", target=f"voucher:{card_id}",
        change={"customer_id": str(row[0])}, now=now,
    )  # fmt: skip
    return card_id


def _check_untouched(connection: Connection, card: Card, *, now: datetime) -> Sequence[_Filled]:
    rows = connection.execute(_ENTRIES, [card.account.id]).fetchall()
    if not rows or any(amount < 0 or kind != buying.KIND for _, kind, amount, _ in rows):
        raise GiftCardMoved
    first = min(at for _, _, _, at in rows)
    if now >= first + WITHDRAWN_WITHIN:
        raise GiftCardRefundTooLate(until=(first + WITHDRAWN_WITHIN).isoformat())
    row = connection.execute("SELECT held FROM wallet.balance WHERE account_id = %s", [card.account.id]).fetchone()
    if row != (0,):
        raise GiftCardPromised
    return [(transfer_id, amount, at) for transfer_id, _, amount, at in rows]


def _back(card: Card, bought_id: UUID, amount: int, _: datetime, *, now: datetime) -> Transfer:
    cash = accounts.of_customer(card.holder_id, card.currency)
    return Transfer(
        id=ids.new(),
        principal="rewards",
        # Once for each purchase, whoever asks.
        key=f"gift_card.refund:{bought_id}",
        fingerprint=hashlib.sha256(bought_id.bytes).digest(),
        kind=KIND,
        legs=(card.account.leg(-amount), cash.leg(amount)),
        effective_at=now,
        parent_id=bought_id,
        details={
            "voucher_id": str(card.id),
            "customer_id": str(card.holder_id),
            "amount_minor": amount,
            "currency": card.currency,
        },
        events=(
            GiftCardRefunded(
                customer_id=card.holder_id, occurred_at=now, voucher_id=card.id, amount_minor=amount,
                currency=card.currency,
            ),
        ),
    )  # fmt: skip


_ENTRIES = """
    SELECT e.transfer_id, t.kind, e.amount, e.effective_at
      FROM wallet.entry e JOIN wallet.transfer t ON t.id = e.transfer_id
     WHERE e.account_id = %s ORDER BY e.transfer_id
"""
