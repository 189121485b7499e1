"""The facts that rewards announces."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.events import Event
from rewards.baskets import Line


@dataclass(frozen=True, kw_only=True)
class CampaignCreated(Event):
    name = "campaign.created"
    log_only = True

    campaign_id: UUID
    kind: str


@dataclass(frozen=True, kw_only=True)
class CampaignFunded(Event):
    name = "campaign.funded"
    log_only = True

    campaign_id: UUID
    amount_minor: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class CampaignStarted(Event):
    name = "campaign.started"
    log_only = True

    campaign_id: UUID


@dataclass(frozen=True, kw_only=True)
class CampaignPaused(Event):
    name = "campaign.paused"
    log_only = True

    campaign_id: UUID


@dataclass(frozen=True, kw_only=True)
class CampaignEnded(Event):
    name = "campaign.ended"
    log_only = True

    campaign_id: UUID


@dataclass(frozen=True, kw_only=True)
class VoucherIssued(Event):
    name = "voucher.issued"

    voucher_id: UUID
    campaign_id: UUID
    kind: str
    source: str
    expires_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class VoucherRedeemed(Event):
    """customer_id is the holder's, or for a generic code the customer whose basket it was (None at a bare till)."""

    name = "voucher.redeemed"

    redemption_id: UUID
    voucher_id: UUID
    campaign_id: UUID
    merchant_id: UUID
    store_id: UUID
    terminal_id: UUID
    checkout_id: UUID | None
    amount_minor: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class OrderCompleted(Event):
    """A basket that a customer took home; revenue is these less refunds, never payments.

    shape   total_minor = discount_minor (coupons) + gift_minor (gift cards) + paid_minor (the wallet)
            + at_till_minor (collected by the till itself)
            lines: {"sku", "category", "quantity", "unit", "amount_minor"} each, with "coupon_minor" where there is one
    """

    name = "order.completed"

    order_id: UUID
    checkout_id: UUID
    merchant_id: UUID
    store_id: UUID
    total_minor: int
    discount_minor: int
    gift_minor: int
    paid_minor: int
    at_till_minor: int = 0
    currency: str
    lines: tuple[Line, ...]

    def payload(self) -> dict[str, Any]:
        # Lines know how they are told: walking through each of their members costs a basket a third more.
        return {**super().payload(), "lines": [line.as_event() for line in self.lines]}
