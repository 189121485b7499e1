"""The facts that offline tokens announce."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class OfflineRedemptionSynced(Event):
    """A till told what it took offline. customer_id, voucher_id: None where the token was none of ours.

    units  amount_minor: what the till gave; redeemed_minor of it by the voucher, lost_minor at the brand's cost
    """

    name = "offline_redemption.synced"
    log_only = True

    offline_redemption_id: UUID
    voucher_id: UUID | None
    merchant_id: UUID
    store_id: UUID
    terminal_id: UUID
    accepted_at: datetime
    state: str
    code: str | None
    borne_by: str | None
    amount_minor: int
    redeemed_minor: int
    lost_minor: int
    currency: str
