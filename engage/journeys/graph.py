"""The graph of a journey: JSON as staff publish it, parsed into immutable steps with every fault named at once.

    {"entry": {"event": "order.completed", "where": {"field": "total_minor", "is": "at_least", "value": 5000}},
     "audience": {"profile": "orders", "is": "at_most", "value": 3},
     "re_entry": "never", "max_lateness_seconds": 86400, "purpose": "marketing",
     "goal": {"event": "order.completed", "within_seconds": 259200}, "exit_when": [{"event": "order.completed"}],
     "first": "gift",
     "steps": {"gift": {"kind": "issue_voucher", "campaign_id": "…", "next": "tell"}, …}}

Graphs of the first release say {"trigger": {"event", "where"}} instead of `entry`; those that are published keep it.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from core.conditions import Payload
from core.notes import Notes
from engage.journeys import entries, flow, goals
from engage.journeys.entries import Entry, ReEntry
from engage.journeys.errors import JourneyInvalid
from engage.journeys.goals import Goal
from engage.steps import KINDS, BranchOff, Setting, Step
from engage.steps.happenings import Happening, of_event
from engage.steps.hints import unknown
from engage.steps.wait import Wait
from engage.steps.wait_until import AT_ENTRY, WaitUntil
from insights.segments.parsing import Condition
from insights.segments.parsing import parse as parse_condition
from insights.streams import Stream

MOST_STEPS = 100

#: An event that comes in later than this moves no one any more, unless the author says otherwise.
_LATENESS_SECONDS = 24 * 3600
_LONGEST_LATENESS_SECONDS = 30 * 24 * 3600

_PURPOSES = ("transactional", "marketing")

_MEMBERS = frozenset(
    ("entry", "audience", "re_entry", "max_lateness_seconds", "purpose", "goal", "exit_when", "first", "steps")
)
_OLD_MEMBERS = frozenset(("trigger", "re_entry", "first", "steps"))
_OLD_TRIGGER = frozenset(("event", "where"))


@dataclass(frozen=True)
class Graph:
    """audience: whom of those who come it takes; None: everyone

    max_lateness  how old an event may be that lets somebody in; None in graphs of the first release: any age
    """

    entry: Entry
    audience: Condition | None
    re_entry: ReEntry
    max_lateness: timedelta | None
    exits: tuple[Happening, ...]
    goal: Goal | None
    purpose: str | None
    first: str
    steps: dict[str, Step]

    @property
    def is_exclusive(self) -> bool:
        """Whether a customer walks it at most once at a time, and any number of times in turn."""
        return self.re_entry.is_exclusive

    @property
    def awaited(self) -> frozenset[str]:
        """Every event that may wake, end or fulfil a walk."""
        waits = [step.happening for step in self.steps.values() if isinstance(step, Wait) and step.happening]
        goal = [self.goal.happening] if self.goal else []
        return frozenset(happening.event for happening in [*waits, *self.exits, *goal])

    @property
    def streams(self) -> frozenset[Stream]:
        """What must be counted of customers before its conditions can be decided."""
        asked = [
            path.when.streams for step in self.steps.values() if isinstance(step, BranchOff) for path in step.paths
        ]
        return frozenset().union(*asked, self.audience.streams if self.audience else ())

    @property
    def asks_facts(self) -> bool:
        """Whether any of its steps goes by what is known of the customer."""
        steps = self.steps.values()
        return any(
            bool(step.needs)
            if isinstance(step, BranchOff)
            else isinstance(step, WaitUntil) and step.date_of is not None
            for step in steps
        )

    def entry_key(self, payload: Payload, event_id: UUID) -> str | None:
        """Under which key this event lets its customer in; None when the field that it takes is missing."""
        return self.re_entry.key(payload, event_id)


def parse(raw: Any, *, pointer: str = "") -> Graph:
    """The graph of a journey.

    pointer  where the graph stands in what was sent
    raises   JourneyInvalid, which names every fault and where it stands
    """
    notes = Notes(pointer)
    graph = _old(raw, notes) if isinstance(raw, dict) and "trigger" in raw else _drawn(raw, notes)
    if not notes.errors:
        flow.check(graph.first, graph.steps, notes)
        _check_keys(graph, notes)
    if notes.errors:
        raise JourneyInvalid(errors=notes.errors)
    return _with_entry_hour(graph)


def _drawn(raw: Any, notes: Notes) -> Graph:
    given = notes.object_(raw, allowed=_MEMBERS, required=frozenset(("entry", "first", "steps")))
    entry = entries.parse_entry(given.get("entry"), notes.at("entry"))
    purpose = _purpose(given.get("purpose"), notes.at("purpose"))
    return Graph(
        entry=entry,
        audience=parse_condition(given["audience"], notes.at("audience")) if "audience" in given else None,
        re_entry=entries.parse_re_entry(given.get("re_entry", "never"), notes.at("re_entry"), event=entry.event),
        max_lateness=_lateness(given.get("max_lateness_seconds", _LATENESS_SECONDS), notes.at("max_lateness_seconds")),
        exits=goals.parse_exits(given.get("exit_when", []), notes.at("exit_when")),
        goal=goals.parse_goal(given.get("goal"), notes.at("goal")),
        purpose=purpose,
        first=_first(given),
        steps=_steps(given.get("steps", {}), notes.at("steps"), Setting(entry.event, purpose)),
    )


def _old(raw: dict[str, Any], notes: Notes) -> Graph:
    given = notes.object_(raw, allowed=_OLD_MEMBERS, required=frozenset(("trigger", "first", "steps")))
    here = notes.at("trigger")
    trigger = here.object_(given["trigger"], allowed=_OLD_TRIGGER, required=frozenset(("event",)))
    happening = of_event(trigger, here)
    return Graph(
        entry=Entry("event", happening.event, happening),
        audience=None,
        re_entry=entries.parse_re_entry(given.get("re_entry", "never"), notes.at("re_entry"), event=happening.event),
        max_lateness=None,
        exits=(),
        goal=None,
        purpose=None,
        first=_first(given),
        steps=_steps(given.get("steps", {}), notes.at("steps"), Setting(happening.event)),
    )


def _first(given: dict[str, Any]) -> str:
    return given["first"] if isinstance(given.get("first"), str) else ""


def _purpose(raw: Any, notes: Notes) -> str | None:
    if raw is not None and raw not in _PURPOSES:
        notes.say(f"Must be one of: {', '.join(_PURPOSES)}.")
    return raw if isinstance(raw, str) else None


def _lateness(raw: Any, notes: Notes) -> timedelta:
    if isinstance(raw, int) and not isinstance(raw, bool) and 1 <= raw <= _LONGEST_LATENESS_SECONDS:
        return timedelta(seconds=raw)
    notes.say("Must be a whole number of seconds, at most 30 days (2592000).")
    return timedelta(seconds=_LATENESS_SECONDS)


def _steps(raw: Any, notes: Notes, setting: Setting) -> dict[str, Step]:
    if not isinstance(raw, dict) or not 1 <= len(raw) <= MOST_STEPS:
        notes.say(f"Must be an object of 1 to {MOST_STEPS} steps by name.")
        return {}
    return {name: step for name, one in raw.items() if (step := _step(name, one, notes.at(name), setting)) is not None}


def _step(name: str, raw: Any, notes: Notes, setting: Setting) -> Step | None:
    if not 0 < len(name) <= 100 or name.startswith("@"):
        notes.say("The name of a step has 1 to 100 characters and does not begin with “@”.")
        return None
    if not isinstance(raw, dict):
        notes.say("Must be an object.")
        return None
    kind = raw.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        told = unknown(kind, KINDS.keys(), "kind of step") if isinstance(kind, str) else ""
        notes.at("kind").say(told or f"Must be one of: {', '.join(KINDS)}.")
        return None
    return KINDS[kind](raw, notes, setting)


def _check_keys(graph: Graph, notes: Notes) -> None:
    """`same_key` compares with the key under which the customer entered, so there must be one."""
    if graph.re_entry.field is not None:
        return
    waits = [
        (notes.at("steps").at(name), step.happening)
        for name, step in graph.steps.items()
        if isinstance(step, Wait) and step.happening
    ]
    exits = [(notes.at("exit_when").at(position), one) for position, one in enumerate(graph.exits)]
    goal = [(notes.at("goal"), graph.goal.happening)] if graph.goal else []
    for here, happening in [*waits, *exits, *goal]:
        if happening.same_key is not None:
            here.at("same_key").say(
                "There is no key to compare with: say which field of the entry it is by"
                ' "re_entry": {"once_per": "…"}, or leave “same_key” out.'
            )


def _with_entry_hour(graph: Graph) -> Graph:
    """A date entry that names an hour begins with a wait for it, which is a step like any other."""
    if graph.entry.at is None:
        return graph
    step = WaitUntil(at=graph.entry.at, next=graph.first, is_same_day=True)
    return replace(graph, first=AT_ENTRY, steps={AT_ENTRY: step, **graph.steps})
