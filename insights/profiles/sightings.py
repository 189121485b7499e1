"""Folding a batch of events into what is new of each customer and anonymous subject, before any of it is stored."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from core.events import LoggedEvent
from insights.identities import claims
from insights.identities.claims import Claim
from insights.profiles import touches
from insights.profiles.touches import Touch

ORDER = "order.completed"
REFUND = "payment.refunded"

TRAITS_SET = "trait.set"

#: Somebody who looks at a product, or puts one into a basket, considers buying.
CONSIDERING = frozenset({"product.viewed", "product.added"})

#: The customer was there.
SEEN = CONSIDERING | {
    *("customer.signed_up", "voucher.redeemed", ORDER, "identity.mapped", "outside.identify", "outside.alias"),
    *("outside.track", "outside.page", "outside.screen", "outside.group", "app.installed", "app.opened"),
}

#: All that tells something of a profile.
TELLING = SEEN | claims.NAMES | {REFUND, TRAITS_SET}

_TRAIT_NAME_CHARACTERS = 64


@dataclass(slots=True)
class Sighting:
    """What a batch tells of one customer, or of a subject: what it did while nobody was known to be doing it."""

    first_seen_at: datetime
    last_seen_at: datetime
    considered_at: datetime | None = None
    touch: Touch | None = None
    orders: int = 0
    first_order_at: datetime | None = None
    last_order_at: datetime | None = None

    @property
    def phase(self) -> str:
        """As the column of that name follows from the others."""
        if self.orders:
            return "retention" if self.orders > 1 else "purchase"
        return "consideration" if self.considered_at else "discovery"

    def see(self, event: LoggedEvent) -> None:
        at = event.occurred_at
        self.first_seen_at, self.last_seen_at = min(self.first_seen_at, at), max(self.last_seen_at, at)
        if event.name in CONSIDERING:
            self.considered_at = min(self.considered_at or at, at)
        if event.name == ORDER:
            self.orders += 1
            self.first_order_at = min(self.first_order_at or at, at)
            self.last_order_at = max(self.last_order_at or at, at)
        touch = touches.of(event)
        if touch and (self.touch is None or (touch.at, touch.event_id) < (self.touch.at, self.touch.event_id)):
            self.touch = touch


@dataclass(slots=True)
class Money:
    ordered_minor: int = 0
    refunded_minor: int = 0

    @property
    def net_minor(self) -> int:
        return self.ordered_minor - self.refunded_minor


@dataclass(frozen=True, slots=True)
class Report:
    """A trait's value as somebody gave it; depth: of the event, in its chain of causes."""

    customer_id: UUID
    name: str
    value: Any
    at: datetime
    event_id: UUID
    source: str
    depth: int


@dataclass(frozen=True, slots=True)
class Sightings:
    """What a batch tells."""

    customers: dict[UUID, Sighting] = field(default_factory=dict)
    subjects: dict[str, Sighting] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)
    money: dict[tuple[UUID, str], Money] = field(default_factory=dict)
    traits: list[Report] = field(default_factory=list)


def fold(events: Sequence[LoggedEvent], *, into: Sightings | None = None) -> Sightings:
    """What these events tell, in one value, with what was told before."""
    found = into or Sightings()
    for event in events:
        if event.customer_id is not None:
            _fold_customer(found, event, event.customer_id)
        elif event.subject_id is not None:
            _see(found.subjects, event.subject_id, event)
    return found


def merge(customers: dict[UUID, Sighting], customer_id: UUID, seen: Sighting) -> None:
    """Let what a subject did count as the customer's; orders are the customer's own already."""
    known = customers.setdefault(customer_id, seen)
    known.first_seen_at = min(known.first_seen_at, seen.first_seen_at)
    known.last_seen_at = max(known.last_seen_at, seen.last_seen_at)
    known.considered_at = min(filter(None, (known.considered_at, seen.considered_at)), default=None)
    found = [touch for touch in (known.touch, seen.touch) if touch]
    known.touch = min(found, key=lambda touch: (touch.at, touch.event_id), default=None)


def _fold_customer(found: Sightings, event: LoggedEvent, customer_id: UUID) -> None:
    if event.name in SEEN:
        _see(found.customers, customer_id, event)
    claim = claims.of(event)
    if claim is not None:
        found.claims.append(claim)
    if event.name == ORDER:
        _money(found, customer_id, event).ordered_minor += event.payload["total_minor"]
    elif event.name == REFUND:
        _money(found, customer_id, event).refunded_minor += event.payload["amount_minor"]
    elif event.name == "outside.identify":
        found.traits.extend(
            _report(event, customer_id, name, value) for name, value in event.payload.get("traits", {}).items()
        )
    elif event.name == TRAITS_SET:
        found.traits.append(_report(event, customer_id, event.payload["trait"], event.payload["value"]))


def _see(among: dict[Any, Sighting], key: UUID | str, event: LoggedEvent) -> None:
    if key not in among:
        among[key] = Sighting(event.occurred_at, event.occurred_at)
    among[key].see(event)


def _money(found: Sightings, customer_id: UUID, event: LoggedEvent) -> Money:
    return found.money.setdefault((customer_id, event.payload["currency"]), Money())


def _report(event: LoggedEvent, customer_id: UUID, name: str, value: Any) -> Report:
    source = event.payload["by"] if event.name == TRAITS_SET else event.source
    return Report(customer_id, name[:_TRAIT_NAME_CHARACTERS], value, event.occurred_at, event.id, source, event.depth)
