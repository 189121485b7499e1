"""What top-ups announce."""

from dataclasses import dataclass
from uuid import UUID

from core.events import Event


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
class TopupRefunded(Event):
    """Money of a top-up went back to the card. `owed_minor` of it was spent by then, and is the customer's debt."""

    name = "topup.refunded"
    log_only = True

    topup_id: UUID
    amount_minor: int
    owed_minor: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class TopupDisputed(Event):
    """The customer's bank took money back, until the quarrel is decided."""

    name = "topup.disputed"
    log_only = True

    topup_id: UUID
    amount_minor: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class DisputeClosed(Event):
    name = "dispute.closed"
    log_only = True

    topup_id: UUID
    amount_minor: int
    currency: str
    is_won: bool


@dataclass(frozen=True, kw_only=True)
class AutoTopupPaused(Event):
    """Declined three times in a row: the customer should look at their card."""

    name = "auto_topup.paused"
    log_only = True

    currency: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class DebtPaid(Event):
    """Out of what came into the wallet by another way than a top-up."""

    name = "debt.paid"
    log_only = True

    amount_minor: int
    currency: str
