"""Deactivations: a till takes the sale of a printed gift card back, as long as nothing was done with the card."""

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.db import Connection, connection_of
from core.errors import NotFound
from rewards.gift_cards import activations, cards
from rewards.gift_cards.activations import Activation
from rewards.gift_cards.errors import GiftCardMoved
from rewards.gift_cards.events import GiftCardDeactivated
from rewards.rollbacks.errors import VoidTooLate
from wallet import accounts, ledger
from wallet.errors import InsufficientFunds
from wallet.paying import reversals
from wallet.paying.errors import ReversalTooLate
from wallet.paying.tills import Till
from wallet.transfers import Transfer

KIND = "gift_card.deactivation"

#: Time to see the mistake while the customer stands there. A till that lost an answer has as long as for a payment.
VOIDABLE = timedelta(minutes=15)


def void(session: Session, activation_id: UUID, till: Till, *, now: datetime) -> Activation:
    """Take back what this terminal has just sold: the card is worth nothing again and may be sold anew.

    Again, it is the same answer.

    raises   NotFound for another terminal's; VoidTooLate; GiftCardMoved where it was spent from, or is somebody's
    effects  announces gift_card.deactivated; posts
    """
    connection = connection_of(session)
    found = activations.by_id(connection, activation_id, till)
    if found is None:
        raise NotFound
    until = found.activated_at + VOIDABLE
    if found.voided_at is None and now >= until:
        raise VoidTooLate(voidable_until=until.isoformat())
    return _take_back(connection, found, till, now=now)


def reverse(session: Session, till: Till, till_reference: str, *, now: datetime) -> Activation | None:
    """Take back what this terminal may have sold under a reference; None where it sold nothing.

    raises   ReversalTooLate a day after; GiftCardMoved where it was spent from, or is somebody's
    effects  as `void`
    """
    connection = connection_of(session)
    found = activations.by_reference(connection, till.terminal_id, till_reference)
    if found is None:
        return None
    until = found.activated_at + reversals.WINDOW
    if found.voided_at is None and now >= until:
        raise ReversalTooLate(reversible_until=until.isoformat())
    return _take_back(connection, found, till, now=now)


def _take_back(connection: Connection, found: Activation, till: Till, *, now: datetime) -> Activation:
    card = activations.account_of(found)
    row = connection.execute(_LOCK_CARD, [found.voucher_id]).fetchone()
    again = activations.by_reference(connection, till.terminal_id, found.till_reference)
    assert row and again, "neither cards nor postings are deleted"
    if again.voided_at is not None:
        return again
    [(posted, held)] = cards.lock_values(connection, [card.id]).values()
    customer_id, state = row
    if customer_id is not None or state == "blocked" or (posted, held) != (found.amount_minor, 0):
        raise GiftCardMoved
    cards.keep(connection, found.voucher_id, state="inactive", expires_at=None, buyer_id=None, keeps_until=None)
    connection.execute("SELECT wallet.open_parts(%s::uuid[])", [[found.id]])
    told = activations.told_of(found, till)
    transfer = Transfer(
        id=ids.new(),
        # As every reversal: from now on the till's reference stands for nothing.
        principal=f"reversal:{till.terminal_id}",
        key=found.till_reference,
        fingerprint=hashlib.sha256(found.id.bytes).digest(),
        kind=KIND,
        legs=(
            card.leg(-found.amount_minor),
            accounts.of_merchant(till.merchant_id, found.currency).leg(found.amount_minor),
        ),
        effective_at=now,
        parent_id=found.id,
        details={name: str(value) for name, value in told.items() if name != "amount_minor"}
        | {"amount_minor": found.amount_minor},
        events=(GiftCardDeactivated(occurred_at=now, **told),),
    )
    try:
        ledger.post(connection, transfer)
    except InsufficientFunds as refusal:  # a till was quicker
        raise GiftCardMoved from refusal
    taken = activations.by_reference(connection, till.terminal_id, found.till_reference)
    assert taken, "postings are not deleted"
    return taken


_LOCK_CARD = "SELECT customer_id, state FROM rewards.voucher WHERE id = %s FOR NO KEY UPDATE"
