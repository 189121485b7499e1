"""A customer pays in the app, by a merchant's code or without one, out of whatever sources they like."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from auth.step_up import approvals, binding
from core import ids
from core.db import Connection, connection_of
from core.errors import InvalidInput
from core.idempotency import KeyReused
from wallet import ledger, limits
from wallet.paying import codes, mixed, preferences, requests, reversals, tips
from wallet.paying.codes import Seen
from wallet.paying.errors import AmountMissing, AmountNotAsked, PaymentRequestPaid, PaymentReversed, TipNotAllowed
from wallet.paying.models import PaymentRequest
from wallet.paying.splits import Source, in_order
from wallet.paying.tills import principal_of
from wallet.payments import Payment
from wallet.transfers import Posted, Transfer

#: Of a declined transfer that only keeps a key: a basket's payment stands under its till's name, a refusal nowhere.
KEEPER = "payment.key"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppPayment:
    """A payment that a customer asks for in the app.

    code                    of a store or a basket; without one, merchant_id says whom to pay
    amount_minor, currency  without the tip; None: what the code asks for
    sources                 None: in the order that the customer prefers
    """

    principal: str
    key: str
    fingerprint: bytes
    customer_id: UUID
    code: str | None = None
    merchant_id: UUID | None = None
    store_id: UUID | None = None
    amount_minor: int | None = None
    currency: str | None = None
    tip_minor: int = 0
    sources: Sequence[Source] | None = None
    reference: str | None = None
    approval_id: UUID | None = None
    at: datetime


def pay(session: Session, asked: AppPayment) -> Posted:
    """Pay out of whatever sources: a merchant, or the store or basket whose code was scanned. A basket is paid once, by
    whoever is first.

    raises   those of `codes.read` and `mixed.pay`; AmountMissing; AmountNotAsked; TipNotAllowed; KeyReused; those of
             `approvals.consume`, and StepUpRequired where one was needed
    effects  locks the basket's request; uses the approval up; announces payment.completed
    """
    sources = asked.sources or in_order(preferences.of_customer(session, asked.customer_id))
    if asked.code is None:
        if asked.merchant_id is None or asked.amount_minor is None or asked.currency is None:
            raise AmountMissing
        payment = _payment(asked, asked.merchant_id, asked.amount_minor, asked.currency)
        payee = binding.store(asked.store_id) if asked.store_id else binding.merchant(asked.merchant_id)
        return mixed.pay(session, _approved(session, payment, payee), sources)

    seen = codes.read(session, asked.code, now=asked.at, is_locked=True)
    amount = amount_of(seen, amount_minor=asked.amount_minor, currency=asked.currency, tip_minor=asked.tip_minor)
    payment = _payment(asked, seen.merchant_id, amount, seen.currency)
    payment = _approved(session, replace(payment, store_id=seen.store_id), payee_of(seen))
    if seen.request is None:
        return mixed.pay(session, payment, sources)
    return _pay_request(session, asked, payment, seen.request, sources)


def payee_of(seen: Seen) -> str:
    """Whom a scanned code pays, as an approval spells it."""
    return binding.request(seen.request.id) if seen.request else binding.store(seen.store_id)


def amount_of(seen: Seen, *, amount_minor: int | None, currency: str | None, tip_minor: int) -> int:
    """What is to be paid by a code, without the tip, where the customer names this much or nothing.

    raises  InvalidInput for another currency; AmountMissing; AmountNotAsked; TipNotAllowed
    """
    if currency not in (None, seen.currency):
        detail = f"The code asks for {seen.currency}."
        raise InvalidInput(errors=[{"pointer": "/amount/currency", "detail": detail}])
    if seen.amount_minor is None:
        if amount_minor is None:
            raise AmountMissing
        return amount_minor
    if amount_minor not in (None, seen.amount_minor):
        raise AmountNotAsked(amount_minor=seen.amount_minor, currency=seen.currency)
    if tip_minor and not seen.tip_allowed:
        raise TipNotAllowed
    return seen.amount_minor


def keep_key(connection: Connection, asked: AppPayment) -> bool:
    """Let the customer's key name nothing else in the ledger, for ever; False where it names something already."""
    keeper = Transfer(
        id=ids.new(),
        principal=asked.principal,
        key=asked.key,
        fingerprint=asked.fingerprint,
        kind=KEEPER,
        legs=(),
        effective_at=asked.at,
    )
    return ledger.decline(connection, keeper, KeyReused())


def _payment(asked: AppPayment, merchant_id: UUID, amount_minor: int, currency: str) -> Payment:
    tips.check(asked.tip_minor, amount_minor)
    return Payment(
        principal=asked.principal,
        key=asked.key,
        fingerprint=asked.fingerprint,
        customer_id=asked.customer_id,
        merchant_id=merchant_id,
        store_id=asked.store_id,
        reference=asked.reference,
        amount_minor=amount_minor + asked.tip_minor,
        tip_minor=asked.tip_minor,
        currency=currency,
        approval_id=asked.approval_id,
        at=asked.at,
    )


def _approved(session: Session, payment: Payment, payee: str) -> Payment:
    """The payment under the name that its approval gave it, if it was sent with one; that is used up by it."""
    payment_id = approvals.consume(
        session,
        payment.approval_id,
        customer_id=payment.customer_id,
        purpose="payment",
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        payee=payee,
        now=payment.at,
    )
    return payment if payment_id is None else replace(payment, id=payment_id)


def _pay_request(
    session: Session, asked: AppPayment, payment: Payment, request: PaymentRequest, sources: Sequence[Source]
) -> Posted:
    """Pay a basket under its till's reference, where the till looks for it; the customer's key is kept beside it."""
    connection = connection_of(session)
    if not keep_key(connection, asked):
        raise KeyReused
    limits.posting_for_customer(connection)
    named = replace(
        payment,
        principal=principal_of(request.terminal_id),
        key=request.till_reference,
        fingerprint=hashlib.sha256(request.id.bytes + asked.customer_id.bytes).digest(),
        terminal_id=request.terminal_id,
        reference=request.till_reference,
    )
    try:
        posted = mixed.pay(session, named, sources)
    except KeyReused:
        refusal = reversals.refusal_of(session, request.terminal_id, request.till_reference)
        raise refusal if isinstance(refusal, PaymentReversed) else PaymentRequestPaid() from None
    requests.close(request, payment_id=posted.transfer_id, tip_minor=asked.tip_minor, now=asked.at)
    return posted
