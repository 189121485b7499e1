"""What is announced about identities, tiers, and whether a wallet can be used."""

from dataclasses import dataclass
from typing import Any
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


@dataclass(frozen=True, kw_only=True)
class WalletFrozen(Event):
    """Nothing may leave the wallet."""

    name = "wallet.frozen"
    log_only = True

    reason: str


@dataclass(frozen=True, kw_only=True)
class WalletUnfrozen(Event):
    name = "wallet.unfrozen"

    reason: str


@dataclass(frozen=True, kw_only=True)
class WalletClosed(Event):
    """Nothing moves in the wallet any more, for ever. Amounts are {"amount_minor", "currency"}."""

    name = "wallet.closed"
    log_only = True

    reason: str
    paid_out: list[dict[str, Any]]
    lapsed: list[dict[str, Any]]
