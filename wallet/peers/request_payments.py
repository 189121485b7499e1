"""Paying what somebody asked for: a sending straight to them, once."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from auth.step_up import approvals, binding
from core import ids
from core.db import connection_of
from core.errors import NotFound
from wallet import ledger, limits
from wallet.peers import giving, links, requests, wallets
from wallet.peers.errors import ReceiverCannotTake, SelfTransfer
from wallet.peers.events import MoneyRequestPaid
from wallet.peers.models import PAID, PENDING, MoneyRequest, Sending
from wallet.peers.sendings import of_transfer
from wallet.transfers import Limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Paying:
    """code         of the link, where the request is not asked of the payer's own number
    approval_id  what the payer's passkey said yes to, where it asks for more than their limit
    """

    principal: str
    key: str
    fingerprint: bytes
    payer_id: UUID
    request_id: UUID
    code: str | None = None
    approval_id: UUID | None = None
    id: UUID = field(default_factory=ids.new)


def pay(session: Session, paying: Paying, *, now: datetime) -> Sending:
    """Pay a request, whole.

    raises   NotFound, also where neither number nor code says that this customer is asked; SelfTransfer;
             MoneyRequestEnded; LimitExceeded, InsufficientFunds, AccountFrozen, AccountClosed, of the payer;
             ReceiverCannotTake; KeyReused; StepUpRequired, and those of `approvals.consume`
    effects  counts against "send", and against the requester's "load"; announces money_request.paid, money.received
             and sending.completed; posts, so nothing else of this transaction may
    """
    named = {"principal": paying.principal, "key": paying.key, "fingerprint": paying.fingerprint}
    request = requests.locked(session, paying.request_id)
    done = ledger.find(connection_of(session), **named)  # type: ignore[arg-type]
    if done is not None:
        return of_transfer(session, done.transfer_id)
    _check(request, paying, now=now)

    paying = _approved(session, paying, request, now=now)
    wallets.ready(session, paying.payer_id, request.currency)
    limit = Limit(
        customer_id=paying.payer_id, scope="send", asset=request.currency, amount=request.amount_minor
    )  # fmt: skip
    limits.take(connection_of(session), [limit], at=now, is_remote=True)
    sending = Sending(
        id=paying.id,
        sender_id=paying.payer_id,
        way="request",
        money_request_id=request.id,
        amount_minor=request.amount_minor,
        currency=request.currency,
        state=PENDING,
        created_at=now,
    )
    event = MoneyRequestPaid(
        customer_id=request.requester_id,
        occurred_at=now,
        money_request_id=request.id,
        sending_id=sending.id,
        amount_minor=request.amount_minor,
        currency=request.currency,
    )
    if not giving.at_once(session, sending, request.requester_id, paying, event=event):
        raise ReceiverCannotTake
    session.add(sending)
    requests.end(request, PAID, now=now)
    request.payer_id = paying.payer_id
    return sending


def _approved(session: Session, paying: Paying, request: MoneyRequest, *, now: datetime) -> Paying:
    """The payment under the name that its approval gave it, if it was sent with one; that is used up by it."""
    sending_id = approvals.consume(
        session,
        paying.approval_id,
        customer_id=paying.payer_id,
        purpose="money_request",
        amount_minor=request.amount_minor,
        currency=request.currency,
        payee=binding.request(request.id),
        now=now,
    )
    return paying if sending_id is None else replace(paying, id=sending_id)


def _check(request: MoneyRequest, paying: Paying, *, now: datetime) -> None:
    if request.requester_id == paying.payer_id:
        raise SelfTransfer
    opens = paying.code is not None and request.code == links.kept(paying.code)
    if request.payer_id != paying.payer_id and not opens:
        raise NotFound
    requests.check_open(request, now=now)
