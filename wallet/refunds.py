"""Refunds: what was paid goes back to where it came from, never more of it than came."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.db import Connection, connection_of
from core.errors import NotFound
from wallet import accounts, ledger, payments
from wallet.errors import RefundExceedsPayment
from wallet.events import PaymentRefunded
from wallet.ledger import Leg, Posted, Transfer

KIND = "refund"


@dataclass(frozen=True, slots=True)
class _Part:
    position: int
    account_id: UUID
    refundable: int


def refund(
    session: Session,
    *,
    principal: str,
    key: str,
    fingerprint: bytes,
    payment_id: UUID,
    merchant_id: UUID,
    amount_minor: int | None,
    reference: str | None = None,
    at: datetime,
) -> Posted:
    """Give a payment back, or a part of it: to its sources in the order in which they were named.

    A gift card named before cash is made whole first, so that a gift cannot be turned into cash.
    units    amount_minor: None for all that is left
    raises   NotFound for another merchant's payment; RefundExceedsPayment; KeyReused
    effects  announces payment.refunded; locks the payment's parts, then posts
    """
    connection = connection_of(session)
    details, parts = _lock(connection, payment_id, merchant_id)
    # Asked under the lock: a twin that has just finished must be seen before its refund is taken for too much.
    done = ledger.find(connection, principal=principal, key=key, fingerprint=fingerprint)
    if done is not None:
        return done
    left = sum(part.refundable for part in parts)
    amount = left if amount_minor is None else amount_minor
    if not 0 < amount <= left:
        raise RefundExceedsPayment(refundable_minor=left)

    payable = accounts.of_merchant(merchant_id, details["currency"])
    named = {"payment_id": str(payment_id), "merchant_id": str(merchant_id), "customer_id": details["customer_id"]}
    money = {"amount_minor": amount, "currency": details["currency"]}
    refund_id = ids.new()
    transfer = Transfer(
        id=refund_id,
        principal=principal,
        key=key,
        fingerprint=fingerprint,
        kind=KIND,
        legs=(Leg(payable.id, -amount), *_split(parts, amount)),
        effective_at=at,
        parent_id=payment_id,
        details={**named, **money, **({"reference": reference} if reference is not None else {})},
        events=(
            PaymentRefunded(
                customer_id=UUID(details["customer_id"]),
                occurred_at=at,
                refund_id=refund_id,
                payment_id=payment_id,
                merchant_id=merchant_id,
                amount_minor=amount,
                currency=details["currency"],
            ),
        ),
    )
    return ledger.post(connection, transfer)


def shown(posted: Posted) -> dict[str, Any]:
    """A refund as the doors show it."""
    details = posted.details
    return {
        "id": posted.transfer_id,
        "payment_id": details["payment_id"],
        "amount": {"amount_minor": details["amount_minor"], "currency": details["currency"]},
        "reference": details.get("reference"),
        "refunded_at": posted.effective_at,
    }


def _lock(connection: Connection, payment_id: UUID, merchant_id: UUID) -> tuple[dict[str, Any], list[_Part]]:
    rows = connection.execute(_LOCK, [payment_id, payments.KIND, str(merchant_id)]).fetchall()
    if not rows:
        raise NotFound
    return rows[0][0], sorted((_Part(*row[1:]) for row in rows), key=lambda part: part.position)


def _split(parts: list[_Part], amount: int) -> Iterator[Leg]:
    for part in parts:
        back = min(part.refundable, amount)
        amount -= back
        if back:
            yield Leg(part.account_id, back)


# Locked in the order in which the posting locks them.
_LOCK = """
    SELECT t.details, p.position, p.account_id, p.amount - p.refunded
      FROM wallet.transfer t JOIN wallet.transfer_part p ON p.transfer_id = t.id
     WHERE t.id = %s AND t.kind = %s AND t.details ->> 'merchant_id' = %s
     ORDER BY p.transfer_id, p.account_id
       FOR NO KEY UPDATE OF p
"""
