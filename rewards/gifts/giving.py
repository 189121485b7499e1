"""Giving: a customer gives a voucher to a friend, by their number or by a link, now or on a day of their choice.

Until the friend has it the voucher is nobody's to use. It waits for a number that is nobody's yet until somebody signs
up with it, or for whoever opens the link; it is taken back by its giver, or goes back to them after 60 days, or when it
expires.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from core import crypto, ids
from core.db import connection_of
from core.errors import InvalidInput, NotFound
from core.events import announce, announce_all
from rewards.gifts import givable, handing, links, texts
from rewards.gifts.errors import GiftEnded, GiftTooLate
from rewards.gifts.events import GiftCancelled, GiftCreated, GiftDelivered, GiftReceived, GiftReturned
from rewards.gifts.models import CANCELLED, DELIVERED, SCHEDULED, Gift
from wallet import standing
from wallet.peers import people
from wallet.peers.errors import SelfTransfer
from wallet.peers.people import Person

#: How long after its day a gift waits for its receiver.
WAITS = timedelta(days=60)

#: How far ahead its day may be.
AHEAD = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewGift:
    """phone: the friend's; None: for whoever is given the link. deliver_at: when they are to have it; None: now"""

    voucher_id: UUID
    giver_id: UUID
    phone: str | None = None
    message: str | None = None
    deliver_at: datetime | None = None
    id: UUID = field(default_factory=ids.new)


def give(session: Session, new: NewGift, *, now: datetime) -> Gift:
    """Send a voucher on its way: due work hands it over when its day has come, or its link opens then.

    raises   InvalidInput for a day more than a year ahead; PhoneInvalid, SelfTransfer; what `givable.lock` raises;
             GiftTooLate; AccountFrozen, AccountClosed; Erased
    effects  announces gift.created
    """
    deliver_at = max(new.deliver_at or now, now)
    if deliver_at > now + AHEAD:
        raise InvalidInput(errors=[{"pointer": "/deliver_at", "detail": "must be within a year"}])
    person = None if new.phone is None else people.by_phone(session, new.phone)
    if person is not None and person.customer_id == new.giver_id:
        raise SelfTransfer
    given = givable.lock(session, new.voucher_id, holder_id=new.giver_id, at=now)
    if given.expires_at is not None and given.expires_at <= deliver_at:
        raise GiftTooLate(expires_at=given.expires_at.isoformat())
    standing.check_may_leave(connection_of(session), f"customer:{new.giver_id}")

    handing.park(session, given.voucher_id, holder_id=new.giver_id, gift_id=new.id)
    gift = Gift(
        id=new.id,
        voucher_id=given.voucher_id,
        giver_id=new.giver_id,
        **_way(session, new, person),
        message=None if new.message is None else _sealed(session, "message", new, new.message),
        amount_minor=given.amount_minor,
        currency=given.of.currency,
        state=SCHEDULED,
        created_at=now,
        deliver_at=deliver_at,
        expires_at=min(deliver_at + WAITS, given.expires_at or deliver_at + WAITS),
        due_at=deliver_at,
    )
    session.add(gift)
    session.flush()

    announce(session, GiftCreated(customer_id=gift.giver_id, deliver_at=deliver_at, **_fact(gift, now)))
    return gift


def cancel(session: Session, gift_id: UUID, *, giver_id: UUID, now: datetime) -> Gift:
    """Take a gift back that nobody has received yet; again and again with the same answer.

    raises   NotFound, also for another's; GiftEnded
    effects  announces gift.cancelled; the text that tells of it is taken back if it has not left
    """
    gift = locked(session, Gift.id == gift_id)
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
    # Where its giver is gone for good it stays the gift's, and lapses in its time.
    with suppress(crypto.Erased):
        handing.give_back(session, gift.voucher_id, gift_id=gift.id, giver_id=gift.giver_id)
    end(session, gift, state, now=now)
    kind = GiftCancelled if state == CANCELLED else GiftReturned
    announce(session, kind(customer_id=gift.giver_id, **_fact(gift, now)))


def hand_over(session: Session, gift: Gift, receiver_id: UUID, *, now: datetime) -> None:
    """Give a gift, locked by the caller, to who receives it.

    raises   Erased where the receiver is
    effects  announces gift.received and gift.delivered
    """
    handing.hand_over(session, gift.voucher_id, receiver_id=receiver_id)
    gift.receiver_id = receiver_id
    end(session, gift, DELIVERED, now=now)
    told = _fact(gift, now)
    announce_all(
        session, [GiftReceived(customer_id=receiver_id, **told), GiftDelivered(customer_id=gift.giver_id, **told)]
    )


def end(session: Session, gift: Gift, state: str, *, now: datetime) -> None:
    """The number's index goes, since nobody waits for it any more, and what was texted is forgotten."""
    gift.state, gift.ended_at = state, now
    gift.phone_index, gift.due_at = None, None
    texts.take_back(session, gift.id, now=now)
    session.flush()


def locked(session: Session, which: ColumnElement[bool]) -> Gift | None:
    """A gift, which nobody else delivers, claims or cancels until this transaction is over."""
    query = select(Gift).where(which).with_for_update().execution_options(populate_existing=True)
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


def _way(session: Session, new: NewGift, person: Person | None) -> dict[str, bytes | None]:
    if person is None:
        return {"link": links.kept(links.code_of(new.id))}
    return {"phone": _sealed(session, "phone", new, person.phone), "phone_index": person.index}


def _fact(gift: Gift, now: datetime) -> dict[str, Any]:
    return {
        "occurred_at": now,
        "gift_id": gift.id,
        "voucher_id": gift.voucher_id,
        "kind": gift.kind,
        "amount_minor": gift.amount_minor,
        "currency": gift.currency,
    }


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
