"""What is announced of numbers that change; the numbers themselves stand nowhere in it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class NumberChangeAsked(Event):
    """A new number was proved; it takes effect then. how: "fresh", "recovery" or "staff"."""

    name = "number_change.asked"
    log_only = True

    change_id: UUID
    how: str
    takes_effect_at: datetime


@dataclass(frozen=True, kw_only=True)
class NumberChangeEnded(Event):
    """It will not take effect: "cancelled" by the customer, or the number is another customer's by now ("taken")."""

    name = "number_change.ended"
    log_only = True

    change_id: UUID
    reason: str


@dataclass(frozen=True, kw_only=True)
class CustomerNumberChanged(Event):
    """A customer has another phone number."""

    name = "customer.number_changed"
    log_only = True

    change_id: UUID
    how: str
