"""Sendings: money from one customer to another person, at once where that can be, else held until it is claimed.

To a number it is given at once if a customer has that number and can take it. Whatever stands in the way (nobody has
the number, the wallet is full or closed) has one look from outside: the sending is pending. So a sender learns of a
stranger no more than that their money has arrived, and cannot have it back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from auth.step_up import approvals, binding
from core import ids
from core.db import connection_of
from core.errors import NotFound
from wallet import holds, ledger, limits
from wallet.accounts import Opening
from wallet.holds import Placing
from wallet.peers import giving, invitations, links, people, wallets
from wallet.peers.errors import SelfTransfer, SendingEnded
from wallet.peers.events import SendingCancelled, SendingCreated
from wallet.peers.giving import RETRY_AFTER
from wallet.peers.invitations import Brand
from wallet.peers.models import CANCELLED, PENDING, RETURNED, Sending
from wallet.peers.people import Person
from wallet.transfers import Limit

LASTS = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSending:
    """phone        whom to send it to; None for whoever claims the link
    lasts        how long it waits to be claimed
    brand        who invites somebody without an account
    approval_id  what the sender's passkey said yes to, where they send more than their limit
    """

    principal: str
    key: str
    fingerprint: bytes
    sender_id: UUID
    phone: str | None
    amount_minor: int
    currency: str
    note: str | None = None
    lasts: timedelta = LASTS
    brand: Brand
    approval_id: UUID | None = None
    id: UUID = field(default_factory=ids.new)


def send(session: Session, new: NewSending, *, now: datetime) -> Sending:
    """Send money; `completed` at once, or `pending` until it is claimed.

    raises   PhoneInvalid, SelfTransfer, CurrencyUnknown, LimitExceeded, InsufficientFunds, AccountFrozen,
             AccountClosed, all of the sender; KeyReused; Erased; StepUpRequired, and those of `approvals.consume`
    effects  counts against "send", and against the receiver's "load"; announces sending.created and what came of it;
             texts an invitation to a number that is nobody's; posts, so nothing else of this transaction may
    """
    done = ledger.find(connection_of(session), principal=new.principal, key=new.key, fingerprint=new.fingerprint)
    if done is not None:
        return of_transfer(session, done.transfer_id)
    person = None if new.phone is None else people.by_phone(session, new.phone)
    if person is not None and person.customer_id == new.sender_id:
        raise SelfTransfer

    new = _approved(session, new, person, now=now)
    cash = wallets.ready(session, new.sender_id, new.currency)
    sending = _begun(session, new, person, now=now)
    # The sender's alone, so that a limit which is passed after this is known to be the receiver's.
    limits.take(connection_of(session), [_limit(new)], at=now, is_remote=True)
    receiver_id = person.customer_id if person else None
    at_once = _created(sending, is_waiting=False)
    if receiver_id is None or not giving.at_once(session, sending, receiver_id, new, event=at_once):
        _hold(session, sending, new, cash, person, now=now)
    session.add(sending)
    return sending


def cancel(session: Session, sending_id: UUID, *, sender_id: UUID, now: datetime) -> Sending:
    """Take back what nobody has claimed yet; again and again with the same answer.

    raises   NotFound, also for another's; SendingEnded
    effects  announces sending.cancelled; the text that invites is taken back if it has not left
    """
    sending = giving.locked(session, Sending.id == sending_id)
    if sending is None or sending.sender_id != sender_id:
        raise NotFound
    if sending.state == CANCELLED:
        return sending
    if sending.state != PENDING or sending.hold_id is None:
        raise SendingEnded(outcome=sending.state)
    if sending.expires_at is not None and now >= sending.expires_at:
        raise SendingEnded(outcome=RETURNED)

    announced = SendingCancelled(
        customer_id=sender_id, occurred_at=now, sending_id=sending.id, amount_minor=sending.amount_minor,
        currency=sending.currency,
    )  # fmt: skip
    key, fingerprint = f"sending.cancel:{sending.id}", sender_id.bytes
    holds.void(
        session, sending.hold_id, principal="wallet", key=key, fingerprint=fingerprint, at=now, events=[announced]
    )
    giving.end(sending, CANCELLED, now=now)
    invitations.take_back(session, [sending], now=now)
    return sending


def find(session: Session, sending_id: UUID, *, customer_id: UUID) -> Sending:
    """raises  NotFound, also for one that is neither from nor to this customer"""
    sending = session.get(Sending, sending_id)
    if sending is None or customer_id not in (sending.sender_id, sending.receiver_id):
        raise NotFound
    return sending


def list_(
    session: Session, *, customer_id: UUID, direction: str | None, before: UUID | None, limit: int
) -> Sequence[Sending]:
    """What a customer sent ("out") or was sent ("in"), or both, latest first."""
    sides = {"out": Sending.sender_id == customer_id, "in": Sending.receiver_id == customer_id}
    query = select(Sending).where(or_(*sides.values()) if direction is None else sides[direction])
    if before is not None:
        query = query.where(Sending.id < before)
    return session.scalars(query.order_by(Sending.id.desc()).limit(limit)).all()


def _approved(session: Session, new: NewSending, person: Person | None, *, now: datetime) -> NewSending:
    """The sending under the name that its approval gave it, if it was sent with one; that is used up by it."""
    sending_id = approvals.consume(
        session,
        new.approval_id,
        customer_id=new.sender_id,
        purpose="sending",
        amount_minor=new.amount_minor,
        currency=new.currency,
        payee=binding.phone(person.index) if person else binding.LINK,
        now=now,
    )
    return new if sending_id is None else replace(new, id=sending_id)


def _begun(session: Session, new: NewSending, person: Person | None, *, now: datetime) -> Sending:
    phone = person.phone if person else None
    return Sending(
        id=new.id,
        sender_id=new.sender_id,
        way="phone" if person else "link",
        phone=people.sealed(session, "sending", "phone", new.sender_id, new.id, phone),
        code=None if person else links.kept(links.code_of(new.id)),
        amount_minor=new.amount_minor,
        currency=new.currency,
        note=people.sealed(session, "sending", "note", new.sender_id, new.id, new.note),
        state=PENDING,
        created_at=now,
    )


def _hold(
    session: Session, sending: Sending, new: NewSending, cash: Opening, person: Person | None, *, now: datetime
) -> None:
    """Keep the money for whoever claims it: for who has the number, will have it, or has the link."""
    sending.expires_at = now + new.lasts
    placed = holds.place(
        session,
        Placing(
            principal=new.principal,
            key=new.key,
            fingerprint=new.fingerprint,
            kind="sending",
            customer_id=new.sender_id,
            sources=[(cash, new.amount_minor)],
            currency=new.currency,
            expires_at=sending.expires_at,
            at=now,
            details={"sending_id": str(sending.id)},
            events=[_created(sending, is_waiting=True)],
        ),
    )
    sending.hold_id = placed.transfer_id
    if person is None:
        return
    if person.customer_id is not None:
        sending.receiver_id, sending.due_at = person.customer_id, now + RETRY_AFTER
        return
    sending.phone_index = person.index
    invitations.text(session, sending, person.phone, brand=new.brand, now=now)


def _created(sending: Sending, *, is_waiting: bool) -> SendingCreated:
    return SendingCreated(
        customer_id=sending.sender_id,
        occurred_at=sending.created_at,
        sending_id=sending.id,
        way=sending.way,
        amount_minor=sending.amount_minor,
        currency=sending.currency,
        is_waiting=is_waiting,
    )


def _limit(new: NewSending) -> Limit:
    return Limit(customer_id=new.sender_id, scope="send", asset=new.currency, amount=new.amount_minor)


def of_transfer(session: Session, transfer_id: UUID) -> Sending:
    query = select(Sending).where(or_(Sending.hold_id == transfer_id, Sending.transfer_id == transfer_id))
    return session.scalars(query).one()
