"""Refunds: what was paid goes back to where it came from, never more of it than came."""

from collections.abc import Sequence
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
    """Give a payment back, or a part of it: to each of its sources in proportion to what that one can still take.

    Of 10.00, paid 4.00 by a gift card and 6.00 in cash, 3.00 back are 1.20 and 1.80; then 3.00 again the same; then all
    the rest is 1.60 and 2.40.
    units    amount_minor: None for all that is left
    source   decision 0005
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
        legs=(payable.leg(-amount), *_legs_back(parts, amount)),
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


def shares(rests: Sequence[int], amount: int) -> list[int]:
    """What goes back to each source, in proportion to what it can still take; they sum to `amount`.

    Minor units that do not divide go to the largest remainders, of equal ones to the first: 333 of 400 and 600 are
    133.2 and 199.8, so 133 and 200; 1 of 500 and 500 is 1 and 0. None is above its rest, since only a share that was
    rounded down to below it gains a unit. `amount` is at least 1 and at most the sum of the rests.
    """
    left = sum(rests)
    floors = [divmod(rest * amount, left) for rest in rests]
    given = [whole for whole, _ in floors]
    by_remainder = sorted(range(len(rests)), key=lambda position: -floors[position][1])
    for position in by_remainder[: amount - sum(given)]:
        given[position] += 1
    return given


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


def _legs_back(parts: list[_Part], amount: int) -> list[Leg]:
    backs = shares([part.refundable for part in parts], amount)
    return [Leg(part.account_id, back) for part, back in zip(parts, backs, strict=True) if back]


# Locked in the order in which the posting locks them.
_LOCK = """
    SELECT t.details, p.position, p.account_id, p.amount - p.refunded
      FROM wallet.transfer t JOIN wallet.transfer_part p ON p.transfer_id = t.id
     WHERE t.id = %s AND t.kind = %s AND t.details ->> 'merchant_id' = %s
     ORDER BY p.transfer_id, p.account_id
       FOR NO KEY UPDATE OF p
"""
