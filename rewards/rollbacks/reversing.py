"""Reversals: a till takes back whatever it took under a reference, vouchers included, or bars what it may have sent.

A payment, a checkout, a redemption by itself, a gift card's sale or a hold stands there, or nothing, and then a
tombstone does from now on. Checkouts and redemptions are locked before the ledger is, as everywhere; one that was still
being made when it was looked for is seen by the ledger's key, and then all is done again from the start.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.db import Connection, connection_of
from core.errors import Busy
from rewards.gift_cards import activations, deactivations
from rewards.gift_cards.activations import Activation
from rewards.offline import losses
from rewards.offline.losses import Loss
from rewards.reservations import ending
from rewards.rollbacks import redeemed, redemptions, rows, wholes
from rewards.rollbacks.redeemed import Redeemed
from rewards.rollbacks.rows import Deed, Rollback
from wallet import ledger, refunds
from wallet.paying import reversals
from wallet.paying.errors import PaymentReversed, ReversalTooLate, TillReferenceReused
from wallet.paying.reversals import WINDOW, Reversal
from wallet.paying.tills import Till
from wallet.transfers import Transfer

_TRIES = 5


@dataclass(frozen=True, slots=True)
class Reversed:
    """What a reversal came to.

    redemption_id  of a voucher redeemed by itself
    at_till_minor  what the till gives back itself, since it collected that; currency: of it, None of no basket
    """

    reversal: Reversal
    redemption_id: UUID | None = None
    at_till_minor: int = 0
    currency: str | None = None


class _Beaten(Exception):
    """What the reference stands for was made while it was looked for."""


def reverse(session: Session, till: Till, till_reference: str, *, at: datetime) -> Reversed:
    """Take back what the till may have taken under this reference; again, it is the same answer.

    raises   ReversalTooLate a day after; TillReferenceReused where something else stands under it
    effects  gives all that has not gone back to its sources, and vouchers and counters their uses, or leaves a
             tombstone; announces payment.reversed, payment.refunded, voucher.rolled_back, checkout.rolled_back
    """
    for _ in range(_TRIES):
        try:
            with session.begin_nested():
                return _reverse(session, till, till_reference, at=at)
        except _Beaten:
            continue
    raise Busy


def _reverse(session: Session, till: Till, till_reference: str, *, at: datetime) -> Reversed:
    connection = connection_of(session)
    # A voucher that took nothing off takes no key of the ledger: whoever redeems one under this name holds this lock.
    connection.execute(_LOCK, [str(till.terminal_id), till_reference])
    sold = deactivations.reverse(session, till, till_reference, now=at)
    if sold is not None:
        return Reversed(_sale_reversal(sold))
    redemption_id = redeemed.by_reference(connection, till.terminal_id, till_reference)
    if redemption_id is not None:
        return _reverse_redemption(session, till, redemption_id, at=at)
    checkout_id = rows.checkout_by_reference(connection, till.terminal_id, till_reference)
    if checkout_id is not None:
        return _reverse_checkout(session, till, till_reference, checkout_id, at=at)
    loss = losses.by_reference(connection, till.terminal_id, till_reference)
    if loss is not None:
        return _reverse_loss(connection, loss, at=at)

    reserved = ending.reverse(session, till, till_reference, at=at)
    if reserved is not None:
        return Reversed(reserved)

    try:
        reversal = reversals.reverse(session, till, till_reference, at=at)
    except TillReferenceReused as error:
        if _stands(connection, till, till_reference):
            raise _Beaten from error
        raise
    if reversal.payment_id is not None and _stands(connection, till, till_reference):
        raise _Beaten
    return Reversed(reversal)


def _reverse_checkout(
    session: Session, till: Till, till_reference: str, checkout_id: UUID, *, at: datetime
) -> Reversed:
    connection = connection_of(session)
    opened = wholes.open_all(connection, [checkout_id])[0]
    deed = Deed(
        principal=f"reversal:{till.terminal_id}",
        key=till_reference,
        fingerprint=hashlib.sha256(checkout_id.bytes).digest(),
        kind="reversal",
        at=at,
    )
    done = rows.find(connection, deed)
    is_over = done is not None or (not opened.kept.left_minor and (not opened.wholes))
    if opened.kept.transfer_id is None and not is_over:
        _refuse_late(opened.kept.completed_at, at)
    if not is_over:
        wholes.release(connection, [opened])
    reversal = reversals.reverse(session, till, till_reference, at=at)
    if not is_over:
        done = wholes.close(session, opened, deed, amount_minor=reversal.amount_minor or 0, transfer_id=None)
    return Reversed(reversal, at_till_minor=done.at_till_minor if done else 0, currency=opened.kept.currency)


def _reverse_redemption(session: Session, till: Till, redemption_id: UUID, *, at: datetime) -> Reversed:
    connection = connection_of(session)
    found = redeemed.lock(connection, redemption_id)
    assert found is not None, "redemptions are not deleted"
    deed = redemptions.taking_back(found, kind="reversal", at=at)
    done = rows.find(connection, deed)
    if done is None and found.stands:
        _refuse_late(found.redeemed_at, at)
        done = redemptions.give_back(session, found, found.left_minor, deed)
    if found.transfer_id is None:
        reversals.reverse(session, till, found.till_reference, at=at)  # the tombstone
    elif done is None:
        _note_nothing_left(connection, deed)
    return Reversed(_reversal(found, done, losses.by_redemption(connection, redemption_id)), redemption_id)


def _reverse_loss(connection: Connection, loss: Loss, *, at: datetime) -> Reversed:
    """Of a voucher that was taken offline, did not hold, and was paid by the brand."""
    if loss.reversed_at is None:
        _refuse_late(loss.accepted_at, at)
        losses.take_back(connection, loss, at=at)
    return Reversed(
        Reversal(
            till_reference=loss.till_reference,
            amount_minor=loss.lost_minor,
            currency=loss.currency,
            reversed_at=loss.reversed_at or at,
        )
    )


def _note_nothing_left(connection: Connection, deed: Deed) -> None:
    """All had gone back before: noted, so that who sends the redemption again does not take it for standing."""
    nothing = Transfer(
        id=ids.new(),
        principal=deed.principal,
        key=deed.key,
        fingerprint=deed.fingerprint,
        kind=refunds.KIND,
        legs=(),
        effective_at=deed.at,
    )
    ledger.decline(connection, nothing, PaymentReversed())


def _refuse_late(taken_at: datetime, at: datetime) -> None:
    if at >= taken_at + WINDOW:
        raise ReversalTooLate(reversible_until=(taken_at + WINDOW).isoformat())


def _reversal(found: Redeemed, done: Rollback | None, loss: Loss | None) -> Reversal:
    """Without a deed of its own all had gone back before. What the brand added to an offline one goes back as well."""
    added = loss.lost_minor if loss else 0
    return Reversal(
        till_reference=found.till_reference,
        amount_minor=done.amount_minor + added if done else 0,
        currency=found.currency,
        reversed_at=done.made_at if done else found.rolled_back_at or found.redeemed_at,
    )


def _sale_reversal(sold: Activation) -> Reversal:
    return Reversal(
        till_reference=sold.till_reference,
        amount_minor=sold.amount_minor,
        currency=sold.currency,
        reversed_at=sold.voided_at or sold.activated_at,
    )


def _stands(connection: Connection, till: Till, till_reference: str) -> bool:
    names = (connection, till.terminal_id, till_reference)
    if redeemed.by_reference(*names) is not None or activations.stands(*names):
        return True
    return rows.checkout_by_reference(*names) is not None


_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('till:' || %s || '/' || %s, 4))"
