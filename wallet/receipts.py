"""Receipts: a payment with what each source gave to it, what was a tip, and what has gone back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from core.db import Connection
from core.errors import NotFound
from core.money import POINTS

Kind = Literal["cash", "gift_card", "points", "promotional", "coupon", "other"]

_KINDS: Mapping[str, Kind] = {
    "cash": "cash",
    "gift": "gift_card",
    "points": "points",
    "loyalty": "points",
    "promotional": "promotional",
    "budget": "coupon",
}


@dataclass(frozen=True, slots=True)
class Part:
    """What one source gave.

    units       amount, refunded: minor units of the payment's currency
    points      how many points were taken for it, where it was points; points_refunded of them have gone back
    voucher_id  of a gift card
    """

    kind: Kind
    amount: int
    refunded: int = 0
    points: int | None = None
    points_refunded: int | None = None
    voucher_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    id: UUID
    amount: int
    reference: str | None
    refunded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """units  amount, tip: minor units of `currency`; the tip is in the amount"""

    payment_id: UUID
    merchant_id: UUID
    merchant_name: str
    store_id: UUID | None
    store_name: str | None
    amount: int
    tip: int
    currency: str
    reference: str | None
    approval_id: UUID | None
    paid_at: datetime
    parts: tuple[Part, ...]
    refunds: tuple[Refund, ...]

    @property
    def refunded(self) -> int:
        return sum(part.refunded for part in self.parts)


def of_payment(
    connection: Connection, payment_id: UUID, *, customer_id: UUID | None = None, merchant_id: UUID | None = None
) -> Receipt:
    """The receipt of a payment, for the customer who made it or the merchant who got it.

    raises  NotFound, also for somebody else's
    """
    name, owner = ("customer_id", customer_id) if customer_id is not None else ("merchant_id", merchant_id)
    row = connection.execute(_PAYMENT, [payment_id, name, str(owner)]).fetchone()
    if row is None:
        raise NotFound
    paid_at, details, merchant_name, store_name = row
    currency: str = details["currency"]
    parts = connection.execute(_PARTS, [payment_id]).fetchall()
    refunds = connection.execute(_REFUNDS, [payment_id]).fetchall()

    return Receipt(
        payment_id=payment_id,
        merchant_id=UUID(details["merchant_id"]),
        merchant_name=merchant_name,
        store_id=_id(details, "store_id"),
        store_name=store_name,
        amount=details["amount_minor"],
        tip=details.get("tip_minor") or 0,
        currency=currency,
        reference=details.get("reference"),
        approval_id=_id(details, "approval_id"),
        paid_at=paid_at,
        parts=parts_of([Source(*row) for row in parts], currency),
        refunds=tuple([Refund(*row) for row in refunds]),
    )


@dataclass(frozen=True, slots=True)
class Source:
    """An account that gave to the payment."""

    owner: str
    purpose: str
    asset: str
    amount: int
    refunded: int


def parts_of(sources: Iterable[Source], currency: str) -> tuple[Part, ...]:
    """What each source gave, in the order in which they were taken.

    Points are two sources: the customer's, in points, and the brand's, which pays for them in the currency. They are
    shown as one.
    """
    sources = list(sources)
    taken = [source for source in sources if source.asset == POINTS]
    points = sum(source.amount for source in taken) if taken else None
    points_refunded = sum(source.refunded for source in taken) if taken else None

    parts = []
    for source in sources:
        kind = _KINDS.get(source.purpose, "other")
        if source.asset != currency:
            continue
        if kind == "points":
            parts.append(Part(kind, source.amount, source.refunded, points, points_refunded))
        else:
            parts.append(Part(kind, source.amount, source.refunded, voucher_id=_voucher(source.owner)))
    return tuple(parts)


def _voucher(owner: str) -> UUID | None:
    kind, _, name = owner.partition(":")
    return UUID(name) if kind == "voucher" else None


def _id(details: Mapping[str, Any], name: str) -> UUID | None:
    return UUID(details[name]) if details.get(name) else None


# Each by its key: the transfer's, (transfer, account)'s and ix_transfer_parent_id.
_PAYMENT = """
    SELECT t.effective_at, t.details, m.name, s.name
      FROM wallet.transfer t
      JOIN auth.merchant m ON m.id = (t.details ->> 'merchant_id')::uuid
      LEFT JOIN auth.store s ON s.id = (t.details ->> 'store_id')::uuid
     WHERE t.id = %s AND t.kind = 'payment' AND t.state = 'posted' AND t.details ->> %s = %s
"""

_PARTS = """
    SELECT a.owner, a.purpose, a.asset, p.amount, p.refunded
      FROM wallet.source p JOIN wallet.account a ON a.id = p.account_id
     WHERE p.transfer_id = %s
     ORDER BY p.position
"""

_REFUNDS = """
    SELECT t.id, (t.details ->> 'amount_minor')::bigint, t.details ->> 'reference', t.effective_at
      FROM wallet.transfer t
     WHERE t.parent_id = %s AND t.state = 'posted'
     ORDER BY t.id
"""
