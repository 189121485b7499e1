"""What adjustments and batches announce."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class AdjustmentPosted(Event):
    """Staff moved value by hand; `source` and `target` name accounts: "customer:<id>:cash", "brand:marketing"."""

    name = "adjustment.posted"

    transfer_id: UUID
    adjustment_id: UUID
    reason: str
    source: str
    target: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class ValueGranted(Event):
    """A batch gave a customer money, promotional value or points; `kind` says which."""

    name = "value.granted"

    transfer_id: UUID
    batch_id: UUID
    kind: str
    amount_minor: int
    currency: str
    expires_at: datetime | None
