"""Refunds: what was paid goes back to where it came from, never more of it than came."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.db import Connection, connection_of
from core.errors import NotFound
from core.money import POINTS
from wallet import accounts, diversions, ledger, lots, payments
from wallet.diversions import Diverted
from wallet.errors import RefundExceedsPayment
from wallet.events import PaymentRefunded
from wallet.ledger import Leg, Posted, Transfer
from wallet.shares import shares

KIND = "refund"


@dataclass(frozen=True, slots=True)
class _Part:
    """What one source gave: value of the payment's currency, or points whose worth the brand gave beside them."""

    position: int
    account_id: UUID
    refundable: int
    asset: str
    has_lots: bool


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
    fixed: Mapping[UUID, int] | None = None,
    at: datetime,
) -> Posted:
    """Give a payment back, or a part of it: to each of its sources in proportion to what that one can still take.

    Of 10.00, paid 4.00 by a gift card and 6.00 in cash, 3.00 back are 1.20 and 1.80; then 3.00 again the same; then all
    the rest is 1.60 and 2.40. Points go back in the measure in which their worth does, the last with the last of it.
    fixed    what of the amount goes back to which account for sure, as a coupon's part of a line does: the rest
             goes to the other sources in proportion, and to these only where those cannot take it
    units    amount_minor: None for all that is left
    source   decisions 0005; 0028 for a source that was closed since: what it would get goes elsewhere
    raises   NotFound for another merchant's payment; RefundExceedsPayment; KeyReused
    effects  announces payment.refunded; locks the payment's parts, then its customer's accounts, then posts
    """
    connection = connection_of(session)
    details, parts = _lock(connection, payment_id, merchant_id)
    # Asked under the lock: a twin that has just finished must be seen before its refund is taken for too much.
    done = ledger.find(connection, principal=principal, key=key, fingerprint=fingerprint)
    if done is not None:
        return done
    currency = details["currency"]
    left = sum(part.refundable for part in parts if part.asset == currency)
    amount = left if amount_minor is None else amount_minor
    if not 0 < amount <= left:
        raise RefundExceedsPayment(refundable_minor=left)

    payable = accounts.of_merchant(merchant_id, currency)
    backs = _backs(parts, amount, currency, fixed or {})
    closed = diversions.closed_among(connection, [part.account_id for part, _ in backs])
    diverted = [
        diversions.of(part.account_id, back, asset=part.asset, has_lots=part.has_lots)
        for part, back in backs
        if part.account_id in closed
    ]
    named = {"payment_id": str(payment_id), "merchant_id": str(merchant_id), "customer_id": details["customer_id"]}
    money = {"amount_minor": amount, "currency": currency}
    refund_id = ids.new()
    if diverted:
        diversions.note(
            connection,
            diverted,
            payment_id=payment_id,
            refund_id=refund_id,
            customer_id=UUID(details["customer_id"]),
            at=at,
        )
    transfer = Transfer(
        id=refund_id,
        principal=principal,
        key=key,
        fingerprint=fingerprint,
        kind=KIND,
        legs=(payable.leg(-amount), *_legs_back(backs, diverted)),
        lots=[
            move
            for part, back in backs
            if part.has_lots and part.account_id not in closed
            for move in lots.give_back(
                connection, transfer_id=payment_id, account_id=part.account_id, amount=back, at=at
            )
        ],
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
                currency=currency,
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
    connection.execute("SELECT wallet.open_parts(ARRAY[%s::uuid])", [payment_id])
    rows = connection.execute(_LOCK, [payment_id, payments.KIND, str(merchant_id)]).fetchall()
    if not rows:
        raise NotFound
    return rows[0][0], sorted((_Part(*row[1:]) for row in rows), key=lambda part: part.position)


def _backs(parts: list[_Part], amount: int, currency: str, fixed: Mapping[UUID, int]) -> list[tuple[_Part, int]]:
    """What goes back to each source, those that get nothing left out."""
    paid = [part for part in parts if part.asset == currency]
    backs = list(zip(paid, _shares(paid, amount, fixed), strict=True))
    loyalty = accounts.of_brand("loyalty", currency).id
    worth = next(((part.refundable, back) for part, back in backs if part.account_id == loyalty), (0, 0))
    points = [(part, _points_back(part.refundable, *worth)) for part in parts if part.asset == POINTS]
    return [(part, back) for part, back in [*backs, *points] if back]


def _shares(paid: list[_Part], amount: int, fixed: Mapping[UUID, int]) -> list[int]:
    """The fixed ones first, as far as they go; then the others in proportion; then whoever can still take something."""
    given = [min(fixed.get(part.account_id, 0), part.refundable) for part in paid]
    for closed in (fixed, {}):
        rests = [
            0 if part.account_id in closed else part.refundable - had for part, had in zip(paid, given, strict=True)
        ]
        rest = min(amount - sum(given), sum(rests))
        if rest > 0:
            given = [had + more for had, more in zip(given, shares(rests, rest), strict=True)]
    return given


def _points_back(refundable: int, worth_minor: int, back_minor: int) -> int:
    """Of 30 points, with 10 of their 25 minor units of worth come 12; with the last of it come all that are left."""
    return refundable if back_minor == worth_minor else refundable * back_minor // worth_minor


def _legs_back(backs: list[tuple[_Part, int]], diverted: Sequence[Diverted]) -> list[Leg]:
    points = sum([back for part, back in backs if part.asset == POINTS])
    returned = [accounts.of_brand("loyalty", POINTS).leg(-points)] if points else []
    instead = {each.account_id: each.target.leg(each.amount) for each in diverted}
    return [*[instead.get(part.account_id) or Leg(part.account_id, back) for part, back in backs], *returned]


# Locked in the order in which the posting locks them. What has no entry is no source, but took a closed one's place.
_LOCK = """
    SELECT t.details, p.position, p.account_id, p.amount - p.refunded, a.asset, a.has_lots
      FROM wallet.transfer t JOIN wallet.transfer_part p ON p.transfer_id = t.id
      JOIN wallet.entry e ON e.transfer_id = p.transfer_id AND e.account_id = p.account_id
      JOIN wallet.account a ON a.id = p.account_id
     WHERE t.id = %s AND t.kind = %s AND t.details ->> 'merchant_id' = %s
     ORDER BY p.transfer_id, p.account_id
       FOR NO KEY UPDATE OF p
"""
