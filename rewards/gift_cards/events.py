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
    """It is the buyer's cash again."""

    name = "gift_card.refunded"


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
class _AtTill(_OfCard):
    merchant_id: UUID
    store_id: UUID
    terminal_id: UUID


@dataclass(frozen=True, kw_only=True)
class GiftCardActivated(_AtTill):
    """A till has sold a printed card; nobody knows to whom."""

    name = "gift_card.activated"
    log_only = True


@dataclass(frozen=True, kw_only=True)
class GiftCardDeactivated(_AtTill):
    """The till has taken the sale back."""

    name = "gift_card.deactivated"
    log_only = True
