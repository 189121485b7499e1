"""What step-up announces."""

from dataclasses import dataclass
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class StepUpAsked(Event):
    """A customer is about to pay so much that their passkey is asked for."""

    name = "step_up.asked"
    log_only = True

    approval_id: UUID
    purpose: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class StepUpApproved(Event):
    name = "step_up.approved"
    log_only = True

    approval_id: UUID
    passkey_id: UUID


@dataclass(frozen=True, kw_only=True)
class StepUpUsed(Event):
    """In the transaction of the payment."""

    name = "step_up.used"
    log_only = True

    approval_id: UUID
    payment_id: UUID


@dataclass(frozen=True, kw_only=True)
class StepUpVoided(Event):
    """`reason`: "tries" for too many wrong proofs, "mismatch" where something else was paid with it than approved."""

    name = "step_up.voided"
    log_only = True

    approval_id: UUID
    reason: str
