"""What finance announces."""

from dataclasses import dataclass
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class SafeguardingCompleted(Event):
    """outcome: balanced, differences or no_report."""

    name = "safeguarding.completed"
    log_only = True

    report_id: UUID
    day: str
    outcome: str
    difference_count: int


@dataclass(frozen=True, kw_only=True)
class SafeguardingSignedOff(Event):
    name = "safeguarding.signed_off"
    log_only = True

    report_id: UUID
    day: str


@dataclass(frozen=True, kw_only=True)
class SettlementClosed(Event):
    name = "settlement.closed"
    log_only = True

    settlement_id: UUID
    merchant_id: UUID
    currency: str
    net_minor: int
    payout_minor: int
