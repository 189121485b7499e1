"""What the wallet announces."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class WalletOpened(Event):
    name = "wallet.opened"
    log_only = True

    currency: str


@dataclass(frozen=True, kw_only=True)
class PaymentCompleted(Event):
    name = "payment.completed"

    payment_id: UUID
    merchant_id: UUID
    store_id: UUID | None
    terminal_id: UUID | None
    amount_minor: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class PaymentRefunded(Event):
    name = "payment.refunded"

    refund_id: UUID
    payment_id: UUID
    merchant_id: UUID
    amount_minor: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class HoldExpired(Event):
    """kind: what the hold was for. amount_minor: what was free again."""

    name = "hold.expired"

    hold_id: UUID
    kind: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class PromotionGranted(Event):
    """The brand gave a customer promotional value; `source` says who decided it ("journey:<id>")."""

    name = "promotion.granted"

    transfer_id: UUID
    source: str
    amount_minor: int
    currency: str
    expires_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class LotExpiring(Event):
    """purpose: "promotional" or "points"."""

    name = "lot.expiring"
    log_only = True

    lot_id: UUID
    purpose: str
    amount_minor: int
    currency: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class LotLapsed(Event):
    name = "lot.lapsed"
    log_only = True

    lot_id: UUID
    purpose: str
    amount_minor: int
    currency: str
