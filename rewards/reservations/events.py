"""The facts that reservations announce."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class ReservationPlaced(Event):
    name = "reservation.placed"
    log_only = True

    reservation_id: UUID
    merchant_id: UUID
    store_id: UUID
    terminal_id: UUID
    voucher_ids: tuple[UUID, ...]
    reserved_until: datetime


@dataclass(frozen=True, kw_only=True)
class ReservationEnded(Event):
    """ended_by: taken, released, expired or reversed"""

    name = "reservation.ended"
    log_only = True

    reservation_id: UUID
    merchant_id: UUID
    store_id: UUID
    ended_by: str
