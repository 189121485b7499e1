"""Giving: a customer gives a gift card to a friend by their number, now or on a day of their choice.

Until the friend has it the card is nobody's to spend. It waits for a number that is nobody's yet until somebody signs
up with it, is taken back by its giver, or goes back to them after 60 days.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core import crypto, ids
from core.db import connection_of
from core.errors import InvalidInput, NotFound
from core.events import announce
from rewards.gift_cards import cards
from rewards.gift_cards.errors import GiftCardPromised
from rewards.gifts import handing, texts
from rewards.gifts.errors import GiftEnded, GiftTooLate
from rewards.gifts.events import GiftCancelled, GiftCreated, GiftReturned
from rewards.gifts.models import CANCELLED, DELIVERED, SCHEDULED, Gift
from wallet import standing
from wallet.peers import people
from wallet.peers.errors import SelfTransfer

#: How long after its day a gift waits for its receiver.
WAITS = timedelta(days=60)

#: How far ahead its day may be.
AHEAD = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewGift:
    """deliver_at: when the friend is to have it; None: now"""

    card_id: UUID
    giver_id: UUID
    phone: str
    message: str | None = None
    deliver_at: datetime | None = None
    id: UUID = field(default_factory=ids.new)


def give(session: Session, new: NewGift, *, now: datetime) -> Gift:
    """Send a gift card on its way: due work hands it over when its day has come.

    raises   InvalidInput for a day more than a year ahead; PhoneInvalid, SelfTransfer; VoucherUnknown for another's
             card; VoucherExpired, VoucherUsedUp; GiftTooLate; GiftCardPromised where a payment holds something of it;
             AccountFrozen, AccountClosed; Erased
    effects  announces gift.created
    """
    deliver_at = max(new.deliver_at or now, now)
    if deliver_at > now + AHEAD:
        raise InvalidInput(errors=[{"pointer": "/deliver_at", "detail": "must be within a year"}])
    person = people.by_phone(session, new.phone)
    if person.customer_id == new.giver_id:
        raise SelfTransfer
    connection = connection_of(session)
    [card] = cards.lock(connection, [new.card_id], holder_id=new.giver_id)
    card.check_usable(now)
    if card.expires_at is not None and card.expires_at <= deliver_at:
        raise GiftTooLate(expires_at=card.expires_at.isoformat())
    standing.check_may_leave(connection, f"customer:{new.giver_id}")
    posted, held = cards.lock_values(connection, [card.account.id])[card.account.id]
    amount = cards.check_holds_something(posted, held)
    if held:
        raise GiftCardPromised

    handing.park(session, card.id, holder_id=new.giver_id, gift_id=new.id)
    gift = Gift(
        id=new.id,
        voucher_id=card.id,
        giver_id=new.giver_id,
        phone=_sealed(session, "phone", new, person.phone),
        phone_index=person.index,
        message=None if new.message is None else _sealed(session, "message", new, new.message),
        amount_minor=amount,
        currency=card.currency,
        state=SCHEDULED,
        created_at=now,
        deliver_at=deliver_at,
        expires_at=deliver_at + WAITS,
        due_at=deliver_at,
    )
    session.add(gift)
    session.flush()

    announce(
        session,
        GiftCreated(
            customer_id=gift.giver_id, occurred_at=now, gift_id=gift.id, voucher_id=card.id, amount_minor=amount,
            currency=card.currency, deliver_at=deliver_at,
        ),
    )  # fmt: skip
    return gift


def cancel(session: Session, gift_id: UUID, *, giver_id: UUID, now: datetime) -> Gift:
    """Take a gift back that nobody has received yet; again and again with the same answer.

    raises   NotFound, also for another's; GiftEnded
    effects  announces gift.cancelled; the text that tells of it is taken back if it has not left
    """
    gift = locked(session, gift_id)
    if gift is None or gift.giver_id != giver_id:
        raise NotFound
    if gift.state == CANCELLED:
        return gift
    if gift.ended_at is not None:
        raise GiftEnded(outcome=gift.state)

    bring_back(session, gift, CANCELLED, now=now)
    return gift


def bring_back(session: Session, gift: Gift, state: str, *, now: datetime) -> None:
    """Put a gift, locked by the caller, back into its giver's hands: cancelled or returned.

    effects  announces gift.cancelled or gift.returned
    """
    # Where its giver is gone for good the card stays the gift's, and lapses in its time.
    with suppress(crypto.Erased):
        handing.give_back(session, gift.voucher_id, gift_id=gift.id, giver_id=gift.giver_id)
    end(session, gift, state, now=now)
    kind = GiftCancelled if state == CANCELLED else GiftReturned
    announce(
        session,
        kind(
            customer_id=gift.giver_id, occurred_at=now, gift_id=gift.id, voucher_id=gift.voucher_id,
            amount_minor=gift.amount_minor, currency=gift.currency,
        ),
    )  # fmt: skip


def end(session: Session, gift: Gift, state: str, *, now: datetime) -> None:
    """The number's index goes, since nobody waits for it any more, and what was texted is forgotten."""
    gift.state, gift.ended_at = state, now
    gift.phone_index, gift.due_at = None, None
    texts.take_back(session, gift.id)
    session.flush()


def locked(session: Session, gift_id: UUID) -> Gift | None:
    """A gift, which nobody else delivers or cancels until this transaction is over."""
    query = select(Gift).where(Gift.id == gift_id).with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def find(session: Session, gift_id: UUID, *, customer_id: UUID) -> Gift:
    """raises  NotFound, also for one that is neither from this customer nor theirs by now"""
    gift = session.get(Gift, gift_id)
    if gift is None or not (gift.giver_id == customer_id or _is_of(gift, customer_id)):
        raise NotFound
    return gift


def page(
    session: Session, *, customer_id: UUID, direction: str | None, before: UUID | None, limit: int
) -> Sequence[Gift]:
    """What a customer gave ("out") or received ("in"), or both, latest first."""
    received = (Gift.receiver_id == customer_id) & (Gift.state == DELIVERED)
    sides = {"out": Gift.giver_id == customer_id, "in": received}
    query = select(Gift).where(or_(*sides.values()) if direction is None else sides[direction])
    if before is not None:
        query = query.where(Gift.id < before)
    return session.scalars(query.order_by(Gift.id.desc()).limit(limit)).all()


def _is_of(gift: Gift, customer_id: UUID) -> bool:
    return gift.receiver_id == customer_id and gift.state == DELIVERED


def _sealed(session: Session, column: str, new: NewGift, text: str) -> bytes:
    return crypto.seal(session, owner_id=new.giver_id, place=f"rewards.gift.{column}", row_id=new.id, text=text)


def opened(session: Session, gift: Gift, column: str, ciphertext: bytes | None) -> str | None:
    """A sealed text of a gift; None where there is none, or its giver is erased."""
    if ciphertext is None:
        return None
    try:
        return crypto.unseal(
            session, owner_id=gift.giver_id, place=f"rewards.gift.{column}", row_id=gift.id, ciphertext=ciphertext
        )
    except crypto.Erased:
        return None
