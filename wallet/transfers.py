"""Transfers: what is to be posted, as data. `wallet.ledger` posts them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, slots=True)
class Leg:
    """What a transfer does to one account: a negative amount takes, a positive one gives.

    Made by `Opening.leg(amount)`, which knows the rest of the account; where only its id is at hand, the posting looks
    the rest up, which takes longer.
    """

    account_id: UUID
    amount: int
    asset: str | None = None
    is_hot: bool = False
    shards: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LotMove:
    """What a transfer does to one lot: made by `wallet.lots`, beside the leg of the lot's account.

    source  of a new lot ("promotion"); None for one that stands
    origin  the lot of the parent's transfer that this gives back to, which may have lapsed meanwhile
    """

    lot_id: UUID
    account_id: UUID
    amount: int
    source: str | None = None
    expires_at: datetime | None = None
    origin: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldMove:
    """What a transfer does to one part of a hold: made by `wallet.holds`.

    held      added to what is held: negative when it is captured or released
    captured  how much of what is held no longer was taken
    """

    hold_id: UUID
    place: int
    account_id: UUID
    lot_id: UUID | None
    held: int
    captured: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A deed that counts against a customer's limits: "pay", "send" or "load" (whose `account_id` has a ceiling)."""

    customer_id: UUID
    scope: str
    asset: str
    amount: int
    account_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Transfer:
    """One movement of value, to be posted once under (principal, key) for ever.

    fingerprint   of the request, so that the key cannot name another one
    parent_id     the transfer that this gives back from: its credits count against what each source gave
    hold_id       the hold that this places, captures or ends
    effective_at  business time
    events        announced only when it is posted afresh
    """

    id: UUID
    principal: str
    key: str
    fingerprint: bytes
    kind: str
    legs: Sequence[Leg]
    effective_at: datetime
    parent_id: UUID | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    events: Sequence[Event] = ()
    lots: Sequence[LotMove] = ()
    holds: Sequence[HoldMove] = ()
    limits: Sequence[Limit] = ()
    hold_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """A transfer that stands. When replayed, id, time and details are those of the first one under its key."""

    transfer_id: UUID
    replayed: bool
    effective_at: datetime
    details: Mapping[str, Any]
