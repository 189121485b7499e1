"""Giving: money that was sent reaches its receiver, at once or out of the hold in which it waited."""

from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from core import ids
from core.db import connection_of
from core.events import Event
from wallet import accounts, errors, holds, ledger, limits
from wallet.accounts import Opening
from wallet.errors import AccountClosed, AccountFrozen, HoldExpired, LimitExceeded
from wallet.holds import Capturing
from wallet.peers import invitations, wallets
from wallet.peers.errors import AlreadyClaimed, SelfTransfer, SendingEnded, SendingStopped
from wallet.peers.events import MoneyReceived, SendingCompleted
from wallet.peers.models import COMPLETED, PENDING, RETURNED, Sending
from wallet.transfers import Limit, Transfer

KIND = "send"

#: A receiver whose wallet is full may have spent by then.
RETRY_AFTER = timedelta(hours=1)


class Keyed(Protocol):
    """What a transfer is posted under."""

    @property
    def principal(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def fingerprint(self) -> bytes: ...


def at_once(session: Session, sending: Sending, receiver_id: UUID, keyed: Keyed, *, event: Event) -> bool:
    """Post a new sending straight to its receiver; False, with nothing posted, where their wallet cannot take it.

    raises  InsufficientFunds, AccountFrozen, of the sender
    effects completes the sending; announces the event, money.received and sending.completed
    """
    now = sending.created_at
    try:
        with session.begin_nested():
            to = wallets.ready(session, receiver_id, sending.currency)
            posted = ledger.post(
                connection_of(session),
                Transfer(
                    id=ids.new(),
                    principal=keyed.principal,
                    key=keyed.key,
                    fingerprint=keyed.fingerprint,
                    kind=KIND,
                    legs=(_cash_of_sender(sending).leg(-sending.amount_minor), to.leg(sending.amount_minor)),
                    effective_at=now,
                    details=_details(sending, receiver_id),
                    events=[event, *_completed(sending, receiver_id, now=now)],
                    limits=(_load(sending, receiver_id, to),),
                ),
            )
    except (LimitExceeded, AccountClosed, errors.AmountTooLarge) as refusal:
        if refusal.account_id == _cash_of_sender(sending).id:
            raise
        return False

    _complete(sending, receiver_id, posted.transfer_id, now=now)
    return True


def claim(session: Session, sending: Sending, receiver_id: UUID, *, now: datetime) -> Sending:
    """Give money that waits, locked by the caller, to its receiver; again to the same one with the same answer.

    raises   SelfTransfer; AlreadyClaimed; SendingEnded; SendingStopped; LimitExceeded and AccountClosed of the
             receiver
    effects  announces money.received and sending.completed; counts against the receiver's "load"; posts
    """
    if receiver_id == sending.sender_id:
        raise SelfTransfer
    if sending.state == COMPLETED:
        if sending.receiver_id == receiver_id:
            return sending
        raise AlreadyClaimed
    if sending.state != PENDING or sending.hold_id is None:
        raise SendingEnded(outcome=sending.state)

    to = wallets.ready(session, receiver_id, sending.currency)
    limits.take(connection_of(session), [_load(sending, receiver_id, to)], at=now)
    capturing = Capturing(
        principal="wallet",
        key=f"sending.claim:{sending.id}",
        fingerprint=receiver_id.bytes,
        kind=KIND,
        to=to,
        at=now,
        details=_details(sending, receiver_id),
        events=_completed(sending, receiver_id, now=now),
    )
    try:
        posted = holds.capture(session, sending.hold_id, capturing)
    except HoldExpired as refusal:
        raise SendingEnded(outcome=RETURNED) from refusal
    except AccountFrozen as refusal:
        raise SendingStopped from refusal

    _complete(sending, receiver_id, posted.transfer_id, now=now)
    invitations.take_back(session, [sending], now=now)
    return sending


def locked(session: Session, which: ColumnElement[bool], *, skips: bool = False) -> Sending | None:
    """A sending, which nobody else claims or cancels until this transaction is over."""
    query = select(Sending).where(which).order_by(Sending.due_at, Sending.id).limit(1)
    query = query.with_for_update(skip_locked=skips).execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def end(sending: Sending, state: str, *, now: datetime) -> None:
    """The number's index goes, since nobody waits for it any more."""
    sending.state, sending.ended_at = state, now
    sending.phone_index, sending.due_at = None, None


def _complete(sending: Sending, receiver_id: UUID, transfer_id: UUID, *, now: datetime) -> None:
    end(sending, COMPLETED, now=now)
    sending.receiver_id, sending.transfer_id = receiver_id, transfer_id


def _cash_of_sender(sending: Sending) -> Opening:
    return accounts.of_customer(sending.sender_id, sending.currency)


def _load(sending: Sending, receiver_id: UUID, to: Opening) -> Limit:
    return Limit(
        customer_id=receiver_id, scope="load", asset=sending.currency, amount=sending.amount_minor, account_id=to.id
    )


def _details(sending: Sending, receiver_id: UUID) -> dict[str, Any]:
    return {
        "sending_id": str(sending.id),
        "customer_id": str(sending.sender_id),
        "receiver_id": str(receiver_id),
        "amount_minor": sending.amount_minor,
        "currency": sending.currency,
    }


def _completed(sending: Sending, receiver_id: UUID, *, now: datetime) -> list[Event]:
    money: dict[str, Any] = {
        "sending_id": sending.id, "amount_minor": sending.amount_minor, "currency": sending.currency,
    }  # fmt: skip
    return [
        MoneyReceived(customer_id=receiver_id, occurred_at=now, **money),
        SendingCompleted(customer_id=sending.sender_id, occurred_at=now, **money),
    ]
