"""What is announced about gift cards. No number, message or code stands in it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class _OfCard(Event):
    voucher_id: UUID
    amount_minor: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class GiftCardBought(_OfCard):
    name = "gift_card.bought"
    log_only = True


@dataclass(frozen=True, kw_only=True)
class GiftCardLoaded(_OfCard):
    name = "gift_card.loaded"
    log_only = True


@dataclass(frozen=True, kw_only=True)
class GiftCardMerged(_OfCard):
    """The amount went from voucher_id onto into_id."""

    name = "gift_card.merged"
    log_only = True

    into_id: UUID


@dataclass(frozen=True, kw_only=True)
class GiftCardRefunded(_OfCard):
    name = "gift_card.refunded"
    log_only = True


@dataclass(frozen=True, kw_only=True)
class GiftCardExpiring(_OfCard):
    """Its holder still has time to spend it."""

    name = "gift_card.expiring"
    log_only = True

    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class GiftCardLapsed(_OfCard):
    name = "gift_card.lapsed"
    log_only = True


@dataclass(frozen=True, kw_only=True)
class _OfGift(Event):
    gift_id: UUID
    voucher_id: UUID
    amount_minor: int
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
    """Of the giver: nobody received it in time, so the card is theirs again."""

    name = "gift.returned"
    log_only = True
