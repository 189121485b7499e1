"""Numbers that change: proved first, then waited for, unless a passkey stood behind it.

Who has stolen a telephone's number can prove any number they like. So a change that was asked for after no more than a
texted code takes effect a day later, while every device, the e-mail address and the old number are told, and anyone who
is signed in may cancel it.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth import customers, notices, phones, sessions
from auth.models import ACTIVE, Customer
from auth.native.errors import NumberChangeOpen, NumberChangeOver, PhoneTaken
from auth.native.events import CustomerNumberChanged, NumberChangeAsked, NumberChangeEnded
from auth.native.models import NumberChange
from auth.proofs import Owner
from core import crypto, ids
from core.delivery import withdrawing
from core.errors import NotFound
from core.events import announce

FRESH, RECOVERY, STAFF = "fresh", "recovery", "staff"
DONE, CANCELLED, TAKEN = "done", "cancelled", "taken"

#: How long a change waits that no passkey stands behind.
WAIT = timedelta(hours=24)

_PLACE = "auth.number_change.phone"


def is_taken(session: Session, phone: str, *, by_other_than: UUID) -> bool:
    """Whether another customer has a number (E.164)."""
    owner = customers.by_phone(session, phone)
    return owner not in (None, by_other_than)


def ask(
    session: Session,
    customer_id: UUID,
    phone: str,
    *,
    how: str,
    wait: timedelta,
    but_session: UUID | None = None,
    now: datetime,
) -> NumberChange:
    """Give a customer a number that was proved (or that two people of staff vouch for), after a wait or at once.

    phone        E.164
    but_session  the session that goes on where it takes effect at once
    raises       NotFound; PhoneTaken; NumberChangeOpen
    effects      announces number_change.asked; tells the customer everywhere, by the old number too
    """
    customer = session.get(Customer, customer_id, with_for_update=True, populate_existing=True)
    if customer is None or customer.phone is None:
        raise NotFound
    if is_taken(session, phone, by_other_than=customer_id):
        raise PhoneTaken
    if _open(session, customer_id) is not None:
        raise NumberChangeOpen
    change_id = ids.new()
    change = NumberChange(
        id=change_id,
        customer_id=customer_id,
        phone=crypto.seal(session, owner_id=customer_id, place=_PLACE, row_id=change_id, text=phone),
        phone_index=phones.index_of(phone),
        how=how,
        asked_at=now,
        takes_effect_at=now + wait,
    )
    session.add(change)
    session.flush()

    announce(
        session,
        NumberChangeAsked(
            customer_id=customer_id,
            occurred_at=now,
            change_id=change_id,
            how=how,
            takes_effect_at=change.takes_effect_at,
        ),
    )
    if wait > timedelta(0):
        notices.tell(session, customer_id, notices.NUMBER_CHANGING, by_sms=True, now=now)
    else:
        _take_effect(session, customer, change, phone, but_session=but_session, now=now)
    return change


def current(session: Session, customer_id: UUID) -> NumberChange:
    """The change that a customer waits for.

    raises  NumberChangeOver where there is none
    """
    change = _open(session, customer_id)
    if change is None:
        raise NumberChangeOver
    return change


def cancel(session: Session, customer_id: UUID, *, now: datetime) -> NumberChange:
    """Leave everything as it is.

    raises   NumberChangeOver
    effects  announces number_change.ended; tells the customer everywhere
    """
    change = _locked(session, customer_id)
    if change is None:
        raise NumberChangeOver
    _end(session, change, CANCELLED, now=now)
    notices.tell(session, customer_id, notices.NUMBER_KEPT, now=now)
    return change


def due(session: Session, *, now: datetime, most: int) -> list[UUID]:
    """Whose waits are over."""
    query = select(NumberChange.customer_id).where(NumberChange.ended.is_(None), NumberChange.takes_effect_at <= now)
    return list(session.scalars(query.order_by(NumberChange.takes_effect_at).limit(most)))


def take_effect(session: Session, customer_id: UUID, *, now: datetime) -> NumberChange | None:
    """Let a change take effect whose wait is over; None where there is none (any more).

    effects  announces customer.number_changed, and ends every session; or number_change.ended where the number is
             another customer's by now, or this one is suspended or being erased
    """
    customer = session.get(Customer, customer_id, with_for_update=True, populate_existing=True)
    change = _locked(session, customer_id)
    if customer is None or change is None or change.takes_effect_at > now:
        return None
    phone = _opened(session, change)
    if customer.status != ACTIVE:
        _end(session, change, CANCELLED, now=now)
    elif is_taken(session, phone, by_other_than=customer_id):
        _end(session, change, TAKEN, now=now)
        notices.tell(session, customer_id, notices.NUMBER_KEPT, now=now)
    else:
        _take_effect(session, customer, change, phone, but_session=None, now=now)
    return change


def _take_effect(
    session: Session, customer: Customer, change: NumberChange, phone: str, *, but_session: UUID | None, now: datetime
) -> None:
    # What waits for the old number would reach whoever has it next; what tells of the change is to reach it.
    for channel in ("sms", "whatsapp"):
        withdrawing.withdraw(session, customer_ids=[customer.id], channel=channel, reason="number_gone", now=now)
    notices.tell(session, customer.id, notices.NUMBER_CHANGED, by_sms=True, now=now)
    customers.move_number(session, customer, phone)
    _end(session, change, DONE, now=now)
    sessions.end_all(session, Owner(customer_id=customer.id), but=but_session, because="number_changed", now=now)

    announce(
        session,
        CustomerNumberChanged(customer_id=customer.id, occurred_at=now, change_id=change.id, how=change.how),
    )


def _end(session: Session, change: NumberChange, ended: str, *, now: datetime) -> None:
    change.ended, change.ended_at = ended, now
    change.phone = change.phone_index = None
    session.flush()
    if ended != DONE:
        announce(
            session,
            NumberChangeEnded(customer_id=change.customer_id, occurred_at=now, change_id=change.id, reason=ended),
        )


def _open(session: Session, customer_id: UUID) -> NumberChange | None:
    return session.scalar(
        select(NumberChange).where(NumberChange.customer_id == customer_id, NumberChange.ended.is_(None))
    )


def _locked(session: Session, customer_id: UUID) -> NumberChange | None:
    query = select(NumberChange).where(NumberChange.customer_id == customer_id, NumberChange.ended.is_(None))
    return session.scalar(query.with_for_update().execution_options(populate_existing=True))


def _opened(session: Session, change: NumberChange) -> str:
    assert change.phone is not None
    return crypto.unseal(session, owner_id=change.customer_id, place=_PLACE, row_id=change.id, ciphertext=change.phone)
