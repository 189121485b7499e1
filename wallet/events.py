"""What the wallet announces."""

from dataclasses import dataclass
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class WalletOpened(Event):
    name = "wallet.opened"
    log_only = True

    currency: str


@dataclass(frozen=True, kw_only=True)
class TopupCompleted(Event):
    name = "topup.completed"
    log_only = True

    topup_id: UUID
    amount_minor: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class TopupFailed(Event):
    name = "topup.failed"
    log_only = True

    topup_id: UUID
    amount_minor: int
    currency: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class PaymentCompleted(Event):
    name = "payment.completed"
    log_only = True

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
