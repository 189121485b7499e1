"""What is announced about identities."""

from dataclasses import dataclass
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class IdentityCheckCompleted(Event):
    """outcome: approved or rejected. reasons: the provider's codes of a rejection."""

    name = "identity_check.completed"
    log_only = True

    identity_check_id: UUID
    outcome: str
    reasons: list[str]


@dataclass(frozen=True, kw_only=True)
class TierChanged(Event):
    """cause: identity_check or staff."""

    name = "tier.changed"
    log_only = True

    tier: str
    previous_tier: str
    cause: str
