"""Entering: which customers an event lets into which journeys, in which arm, and why not the others."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.events import LoggedEvent
from engage.contacting import control
from engage.contacting.policy import Policy
from engage.journeys.graph import Graph
from engage.journeys.versions import Catalogue, Version
from engage.steps import Arm, SendMessage
from engage.walks import arms
from engage.walks.moves import DEEPEST
from engage.walks.walk import Walk
from insights.segments.facts import Facts

#: Every event of a customer is told to all their live walks, so a robot that orders all day must not have thousands.
MOST_LIVE = 100

#: Of a journey, its customer and the key of the entry.
Key = tuple[UUID, UUID, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """An event that lets its customer in, under a key, unless something speaks against it."""

    event: LoggedEvent
    version: Version
    customer_id: UUID
    key: str

    @property
    def whole_key(self) -> Key:
        return self.version.journey_id, self.customer_id, self.key

    @property
    def place(self) -> tuple[UUID, UUID]:
        return self.version.journey_id, self.customer_id


@dataclass(frozen=True, slots=True)
class Kept:
    """Somebody who stayed outside, as it is kept for "why didn't I get this?"."""

    entry: Entry
    reason: dict[str, Any]


@dataclass(slots=True)
class Inside:
    """What is known of those who may enter.

    entered   under which keys they have entered before
    began_at  by journey and customer, when they entered last
    facts     by customer, what the audiences ask for
    barred    customers who enter nothing: suspended
    live      by journey and customer, how many of their walks may still be woken
    """

    policy: Policy
    entered: set[Key] = field(default_factory=set)
    began_at: dict[tuple[UUID, UUID], datetime] = field(default_factory=dict)
    facts: Mapping[UUID, Facts] = field(default_factory=dict)
    barred: frozenset[UUID] = frozenset()
    live: Counter[tuple[UUID, UUID]] = field(default_factory=Counter)

    def keep(self, walk: Walk) -> None:
        """A walk has begun."""
        self.entered.add((walk.journey_id, walk.customer_id, walk.entry_key))
        self.began_at[walk.journey_id, walk.customer_id] = walk.began_at
        self.live[walk.journey_id, walk.customer_id] += 1


def entries_of(catalogue: Catalogue, events: Iterable[LoggedEvent]) -> list[Entry]:
    """What these events let in, whoever is inside; no event at the end of a long chain counts."""
    found: list[Entry] = []
    for event in events:
        for version in catalogue.entered_by(event.name):
            key = version.graph.entry_key(event.payload, event.id)
            if event.customer_id is None or key is None or event.depth >= DEEPEST:
                continue
            if event.occurred_at < version.opened_at:
                continue  # a reader that lags behind, or a late import, does not reach back beyond the beginning
            if version.graph.entry.happening.where(event.payload):
                found.append(Entry(event, version, event.customer_id, key))
    return found


def decide(entry: Entry, inside: Inside, walking: Sequence[Walk], *, now: datetime) -> Arm | Kept | None:
    """In which arm the customer enters; or why not; None where they have had this entry already.

    walking  the walks of this customer that are not over
    """
    if entry.whole_key in inside.entered:
        return None
    reason = _reason(entry, inside, walking, now=now)
    if reason is not None:
        return Kept(entry, reason)
    if is_marketing(entry.version.graph) and control.is_in(inside.policy, entry.customer_id):
        return "control"
    return arms.arm_of(entry.version.journey_id, entry.customer_id, holdout_bps=entry.version.holdout_bps)


def is_marketing(graph: Graph) -> bool:
    """Whether the control group is left out of it: what the customer's own deed brings about is for them as well."""
    if graph.purpose is not None:
        return graph.purpose == "marketing"
    purposes = {step.purpose for step in graph.steps.values() if isinstance(step, SendMessage)}
    return purposes != {"transactional"}


def _reason(entry: Entry, inside: Inside, walking: Sequence[Walk], *, now: datetime) -> dict[str, Any] | None:
    graph, event = entry.version.graph, entry.event
    if graph.max_lateness is not None and event.occurred_at < now - graph.max_lateness:
        late = int((now - event.occurred_at) / timedelta(seconds=1))
        return _said("late", "The event was told too late.", late_seconds=late)
    if entry.customer_id in inside.barred:
        return _said("suspended", "The customer is suspended.")
    if graph.is_exclusive and any(w.journey_id == entry.version.journey_id and w.state != "ended" for w in walking):
        return _said("still_inside", "The customer was still inside the journey.")
    if inside.live.get(entry.place, 0) >= MOST_LIVE:
        return _said("too_often_inside", f"The customer walked the journey {MOST_LIVE} times at once already.")
    before = inside.began_at.get(entry.place)
    at = min(event.occurred_at, now)
    if graph.re_entry.seconds and before and at < before + timedelta(seconds=graph.re_entry.seconds):
        return _said("too_soon", "The customer had entered too short a time before.", entered_at=before.isoformat())
    if graph.audience is not None and not graph.audience.holds(inside.facts[entry.customer_id]):
        return _said("not_in_audience", "The customer is not among those whom the journey is for.")
    return None


def _said(code: str, detail: str, **facts: Any) -> dict[str, Any]:
    return {"code": code, "detail": detail, **facts}
