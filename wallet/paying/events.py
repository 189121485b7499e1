"""What is announced where people pay."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class PaymentReversedAtTill(Event):
    """payment_id, amount_minor, currency: None where there was no payment, and now can be none."""

    name = "payment.reversed"

    merchant_id: UUID
    store_id: UUID
    terminal_id: UUID
    payment_id: UUID | None
    amount_minor: int | None
    currency: str | None


@dataclass(frozen=True, kw_only=True)
class HoldPlaced(Event):
    name = "hold.placed"
    log_only = True

    hold_id: UUID
    merchant_id: UUID
    amount_minor: int
    currency: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class HoldVoided(Event):
    """amount_minor: what is the customer's again."""

    name = "hold.voided"

    hold_id: UUID
    merchant_id: UUID
    amount_minor: int
    currency: str
