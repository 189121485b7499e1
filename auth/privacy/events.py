"""What exports and erasures announce."""

from dataclasses import dataclass
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class CustomerErasing(Event):
    """A customer's account is closed for ever, and what is held on them is about to be dropped."""

    name = "customer.erasing"
    log_only = True

    erasure_id: UUID


@dataclass(frozen=True, kw_only=True)
class CustomerErased(Event):
    """Everything on a customer is dropped. It names no customer, or readers would keep something on them anew."""

    name = "customer.erased"
    log_only = True

    erasure_id: UUID
