"""What is announced about gifts to friends. No number, message or code stands in it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class _OfGift(Event):
    """kind: "coupon" or "gift_card"; amount_minor: what stood on a gift card when it was given"""

    gift_id: UUID
    voucher_id: UUID
    kind: str
    amount_minor: int | None
    currency: str


@dataclass(frozen=True, kw_only=True)
class GiftCreated(_OfGift):
    """Of the giver."""

    name = "gift.created"
    log_only = True

    deliver_at: datetime


@dataclass(frozen=True, kw_only=True)
class GiftReceived(_OfGift):
    """Of the receiver."""

    name = "gift.received"
    log_only = True


@dataclass(frozen=True, kw_only=True)
class GiftDelivered(_OfGift):
    """Of the giver: the receiver has it."""

    name = "gift.delivered"
    log_only = True


@dataclass(frozen=True, kw_only=True)
class GiftCancelled(_OfGift):
    name = "gift.cancelled"
    log_only = True


@dataclass(frozen=True, kw_only=True)
class GiftReturned(_OfGift):
    """Of the giver: nobody received it in time, so it is theirs again."""

    name = "gift.returned"
    log_only = True
