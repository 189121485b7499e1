"""Deliveries: gifts whose day has come are handed over, and those that nobody received in time go back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.models import Customer
from core import crypto
from core.db import transaction
from rewards.gifts import givable, giving, texts
from rewards.gifts.models import RETURNED, SCHEDULED, WAITING, Gift
from wallet.peers import people
from wallet.peers.invitations import Brand

BATCH = 50


def deliver_due(brand: Brand, now: datetime) -> int:
    """Look after the gifts that are due, each in a transaction of its own; how many those were."""
    for done in range(BATCH):
        with transaction() as session:
            if not _deliver_next(session, brand, now=now):
                return done
    return BATCH


def bind(session: Session, owners: dict[bytes, UUID], *, now: datetime) -> None:
    """Put a newcomer's name to what waits for their number; due work then hands it over. The caller locks the numbers.

    A gift whose day has not come finds its receiver by itself.
    """
    waiting = select(Gift).where(Gift.phone_index.in_(owners), Gift.state == WAITING)
    for gift in session.scalars(waiting.order_by(Gift.id).with_for_update()):
        owner = owners.get(gift.phone_index) if gift.phone_index is not None else None
        if owner != gift.giver_id:
            gift.receiver_id, gift.due_at = owner, now


def _deliver_next(session: Session, brand: Brand, *, now: datetime) -> bool:
    query = select(Gift).where(Gift.due_at <= now).order_by(Gift.due_at).limit(1)
    gift = session.scalars(query.with_for_update(skip_locked=True)).one_or_none()
    if gift is None:
        return False
    if gift.receiver_id is None and gift.state == SCHEDULED:
        gift.receiver_id = _receiver_of(session, gift)

    parked = givable.parked(session, gift.voucher_id)
    if now >= gift.expires_at or not parked.is_of_use(now):
        giving.bring_back(session, gift, RETURNED, now=now)
    elif gift.receiver_id is None:
        _let_wait(session, gift, brand, now=now)
    elif givable.refusal_to(session, parked.of, gift.receiver_id) is not None:
        # Its giver sees what they would see of a number that is nobody's.
        gift.receiver_id, gift.state, gift.due_at = None, WAITING, gift.expires_at
    else:
        _deliver(session, gift, gift.receiver_id, brand, now=now)
    return True


def _receiver_of(session: Session, gift: Gift) -> UUID | None:
    """Who has the number, until this transaction is over; not its giver, who may have got it meanwhile."""
    if gift.phone_index is None:
        return None
    people.lock_numbers(session, [gift.phone_index])
    found = session.scalars(select(Customer.id).where(Customer.phone_index == gift.phone_index)).one_or_none()
    return None if found == gift.giver_id else found


def _deliver(session: Session, gift: Gift, receiver_id: UUID, brand: Brand, *, now: datetime) -> None:
    was_told = gift.state == WAITING
    phone = giving.opened(session, gift, "phone", gift.phone)
    try:
        giving.hand_over(session, gift, receiver_id, now=now)
    except crypto.Erased:
        # The receiver is gone again: what nobody can receive is the giver's.
        gift.receiver_id = None
        giving.bring_back(session, gift, RETURNED, now=now)
        return
    if phone is not None and not was_told:
        texts.tell(session, gift, phone, brand=brand, now=now)


def _let_wait(session: Session, gift: Gift, brand: Brand, *, now: datetime) -> None:
    phone = giving.opened(session, gift, "phone", gift.phone)
    if phone is not None and gift.state == SCHEDULED:
        texts.tell(session, gift, phone, brand=brand, now=now)
    gift.state, gift.due_at = WAITING, gift.expires_at
