"""A till takes a payment from the customer whose rotating code it has scanned."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.idempotency import KeyReused
from wallet.paying import mixed, preferences, requests, reversals, tips
from wallet.paying.errors import PaymentRequestCancelled, PaymentReversed, TillReferenceReused, TipNotAllowed
from wallet.paying.models import PaymentRequest
from wallet.paying.splits import Kind, in_order
from wallet.paying.tills import Till, told_to_tills
from wallet.payments import Payment
from wallet.transfers import Posted


@dataclass(frozen=True, slots=True, kw_only=True)
class TillPayment:
    """What a till takes.

    amount_minor    without the tip
    till_reference  the till's own number of it: the same again under it is the payment that stands
    order           of kinds of source; None: the customer's
    """

    till: Till
    customer_id: UUID
    amount_minor: int
    currency: str
    till_reference: str
    tip_minor: int = 0
    order: Sequence[Kind] | None = None
    at: datetime

    @property
    def fingerprint(self) -> bytes:
        order = list(self.order) if self.order is not None else None
        asked = [str(self.customer_id), self.amount_minor, self.tip_minor, self.currency, order]
        return hashlib.sha256(json.dumps(asked).encode()).digest()


def take(session: Session, asked: TillPayment) -> Posted:
    """Take a payment, each till's reference once. A basket that the till also showed as a code is then paid by this.

    raises   InvalidInput for a tip above the amount; TillReferenceReused for another payment under the reference;
             PaymentReversed after the till took it back; those of `mixed.pay`
    effects  announces payment.completed
    """
    tips.check(asked.tip_minor, asked.amount_minor)
    request = requests.lock_by_reference(session, asked.till, asked.till_reference)
    if request is not None and request.state != "paid":
        _check_same(request, asked)
    payment = Payment(
        principal=asked.till.principal,
        key=asked.till_reference,
        fingerprint=asked.fingerprint,
        customer_id=asked.customer_id,
        merchant_id=asked.till.merchant_id,
        store_id=asked.till.store_id,
        terminal_id=asked.till.terminal_id,
        reference=asked.till_reference,
        amount_minor=asked.amount_minor + asked.tip_minor,
        tip_minor=asked.tip_minor,
        currency=asked.currency,
        at=asked.at,
    )
    sources = in_order(asked.order or preferences.of_customer(session, asked.customer_id))
    try:
        with told_to_tills():
            posted = mixed.pay(session, payment, sources)
    except KeyReused:
        refusal = reversals.refusal_of(session, asked.till.terminal_id, asked.till_reference)
        raise refusal or TillReferenceReused() from None
    if posted.replayed:
        refusal = reversals.refusal_of(session, asked.till.terminal_id, asked.till_reference)
        if isinstance(refusal, PaymentReversed):
            raise refusal
    if request is not None and request.state != "paid":
        requests.close(request, payment_id=posted.transfer_id, tip_minor=asked.tip_minor, now=asked.at)
    return posted


def _check_same(request: PaymentRequest, asked: TillPayment) -> None:
    if (request.amount_minor, request.currency) != (asked.amount_minor, asked.currency):
        raise TillReferenceReused
    if asked.tip_minor and not request.tip_allowed:
        raise TipNotAllowed
    if request.state == "cancelled":
        raise PaymentRequestCancelled
