"""Folding a batch of events into what is new of each customer and anonymous subject, before any of it is stored."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from core.events import LoggedEvent
from insights.profiles import touches
from insights.profiles.touches import Touch

ORDER = "order.completed"
REFUND = "payment.refunded"

#: With both ids known, these say that the anonymous subject is this customer.
LINKING = frozenset({"outside.identify", "outside.alias", "identity.mapped"})

#: Somebody who looks at a product, or puts one into a basket, considers buying.
CONSIDERING = frozenset({"product.viewed", "product.added"})

#: The customer was there.
SEEN = (
    LINKING
    | CONSIDERING
    | {
        *("customer.signed_up", "voucher.redeemed", ORDER),
        *("outside.track", "outside.page", "outside.screen", "outside.group", "app.installed", "app.opened"),
    }
)

_TRAIT_NAME_CHARACTERS = 64


@dataclass(slots=True)
class Sighting:
    """What a batch tells of one customer or subject."""

    first_seen_at: datetime
    last_seen_at: datetime
    considered_at: datetime | None = None
    touch: Touch | None = None
    orders: int = 0
    first_order_at: datetime | None = None
    last_order_at: datetime | None = None

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


@dataclass(frozen=True, slots=True)
class Sightings:
    """shape   links: anonymous subject -> customer; traits: (customer, name) -> (value, at)"""

    customers: dict[UUID, Sighting] = field(default_factory=dict)
    subjects: dict[str, Sighting] = field(default_factory=dict)
    links: dict[str, UUID] = field(default_factory=dict)
    money: dict[tuple[UUID, str], Money] = field(default_factory=dict)
    traits: dict[tuple[UUID, str], tuple[Any, datetime]] = field(default_factory=dict)


def fold(events: Sequence[LoggedEvent]) -> Sightings:
    """What these events tell, in one value."""
    found = Sightings()
    for event in events:
        if event.customer_id is not None:
            _fold_customer(found, event, event.customer_id)
        elif event.subject_id is not None:
            _see(found.subjects, event.subject_id, event)
    return found


def _fold_customer(found: Sightings, event: LoggedEvent, customer_id: UUID) -> None:
    if event.name in SEEN:
        _see(found.customers, customer_id, event)
    if event.name in LINKING and event.subject_id is not None:
        found.links.setdefault(event.subject_id, customer_id)
        _see(found.subjects, event.subject_id, event)
    if event.name == ORDER:
        _money(found, customer_id, event).ordered_minor += event.payload["total_minor"]
    elif event.name == REFUND:
        _money(found, customer_id, event).refunded_minor += event.payload["amount_minor"]
    elif event.name == "outside.identify":
        _fold_traits(found, customer_id, event)


def _see(among: dict[Any, Sighting], key: UUID | str, event: LoggedEvent) -> None:
    if key not in among:
        among[key] = Sighting(event.occurred_at, event.occurred_at)
    among[key].see(event)


def _money(found: Sightings, customer_id: UUID, event: LoggedEvent) -> Money:
    return found.money.setdefault((customer_id, event.payload["currency"]), Money())


def _fold_traits(found: Sightings, customer_id: UUID, event: LoggedEvent) -> None:
    for name, value in event.payload.get("traits", {}).items():
        key = (customer_id, name[:_TRAIT_NAME_CHARACTERS])
        if key not in found.traits or found.traits[key][1] <= event.occurred_at:
            found.traits[key] = (value, event.occurred_at)
