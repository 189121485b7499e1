"""The facts that rollbacks announce."""

from dataclasses import dataclass
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class VoucherRolledBack(Event):
    """is_whole: the voucher can be used again, and the campaign's limits have their use back."""

    name = "voucher.rolled_back"

    redemption_id: UUID
    voucher_id: UUID
    campaign_id: UUID
    merchant_id: UUID
    checkout_id: UUID | None
    amount_minor: int
    currency: str
    is_whole: bool


@dataclass(frozen=True, kw_only=True)
class CheckoutRolledBack(Event):
    """A basket that came back, whole or in part; amount_minor: what its lines had cost."""

    name = "checkout.rolled_back"

    checkout_id: UUID
    merchant_id: UUID
    store_id: UUID
    amount_minor: int
    currency: str
    is_whole: bool
