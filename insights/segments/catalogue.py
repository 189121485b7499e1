"""The segments that are followed, compiled and remembered for as long as no definition changes."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from auth.events import CustomerChanged
from core.db import Connection
from core.events import LoggedEvent
from core.events.log import slot_of
from core.notes import Notes
from insights.profiles.events import ProfileSeen
from insights.profiles.sightings import TELLING
from insights.segments.facts import Counted, Facts, Known, Member, Need, Purse, Trait, Vouchers
from insights.segments.parsing import Condition, parse
from insights.streams import Stream
from insights.streams import catalogue as streams

_ONCE = datetime(2000, 1, 1, 12, tzinfo=UTC)

#: What traits come in by; others beside it say so in their name.
_IDENTIFY, _TRAITS = "outside.identify", "trait."

#: What follows from being in a segment brings nobody into one.
_OURS = ("segment.", "date.")


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """A segment; one of them is another than any other, which is quicker to tell than by what they hold.

    previous  what those go by whom its building has not come to; None: they are not judged yet
    """

    id: UUID
    key: str
    revision: int
    condition: Condition
    previous: Condition | None
    is_live: bool
    built_slots: int
    built_until: UUID | None
    needs: frozenset[Need] = field(init=False)

    def __post_init__(self) -> None:
        needs = self.condition.needs | (self.previous.needs if self.previous else frozenset())
        object.__setattr__(self, "needs", needs)

    def condition_of(self, customer_id: UUID) -> Condition | None:
        """What a customer is judged by now."""
        if self.is_live:
            return self.condition
        slot = slot_of(customer_id)
        is_built = slot < self.built_slots or (
            slot == self.built_slots and self.built_until is not None and customer_id <= self.built_until
        )
        return self.condition if is_built else self.previous

    @property
    def admits_newcomers(self) -> bool:
        """Whether somebody is in of whom nothing is known but that they are there."""
        newcomer = Facts(customer_id=UUID(int=0), now=_ONCE, profile=Known("discovery", _ONCE, _ONCE, 0, None))
        return any(each.holds(newcomer) for each in (self.condition, self.previous) if each)


@dataclass(slots=True)
class Catalogue:
    """shape  by_event: event name -> segments that count it; by_trait: trait -> segments that ask for it"""

    version: UUID | None = None
    segments: dict[UUID, Followed] = field(default_factory=dict)
    by_event: dict[str, list[Followed]] = field(default_factory=dict)
    by_trait: dict[str, list[Followed]] = field(default_factory=dict)
    of_profile: list[Followed] = field(default_factory=list)
    of_everything: list[Followed] = field(default_factory=list)

    def moved_by(self, event: LoggedEvent) -> Iterable[Iterable[Followed]]:
        """The segments, in any number of groups, that what an event itself tells may bring its customer into, or out
        of: beside those `of_everything`, which go by more than that."""
        yield self.by_event.get(event.name, ())
        if event.name in TELLING or event.name == ProfileSeen.name:
            yield self.of_profile
        if event.name.startswith(_TRAITS):
            yield from self.by_trait.values()
        elif event.name == _IDENTIFY:
            for name in event.payload.get("traits", {}):
                yield self.by_trait.get(name[:64], ())

    def add(self, segment: Followed) -> None:
        self.segments[segment.id] = segment
        needs = segment.needs
        # Wallets and vouchers move in many ways: they are looked at again whenever anything is heard of the customer.
        if any(isinstance(need, Purse | Vouchers | Member) for need in needs):
            self.of_everything.append(segment)
        if "locale" in needs:
            self.by_event.setdefault(CustomerChanged.name, []).append(segment)
        for event in {need.stream.event for need in needs if isinstance(need, Counted)}:
            self.by_event.setdefault(event, []).append(segment)
        for trait in {need.name for need in needs if isinstance(need, Trait)}:
            self.by_trait.setdefault(trait, []).append(segment)
        # Whom nobody knew till now may be in by what they have not done.
        if {"profile", "revenue", "locale"} & needs or segment.admits_newcomers:
            self.of_profile.append(segment)


def is_ours(event: LoggedEvent) -> bool:
    """Whether it follows from segments and days, and so moves nobody."""
    return event.name.startswith(_OURS)


_kept = Catalogue()
_compiled: dict[tuple[UUID, int], tuple[Condition, Condition | None]] = {}


def read(connection: Connection) -> Catalogue:
    """The segments as of this statement."""
    global _kept
    version = streams.version_of(connection)
    if version is None or version != _kept.version:
        _kept = load(connection, version)
    return _kept


def load(connection: Connection, version: UUID | None = None) -> Catalogue:
    """The segments as the transaction sees them, which may have changed them itself."""
    catalogue, rows = Catalogue(version), connection.execute(_READ).fetchall()
    now = {(row[0], row[2]): _compiled.get((row[0], row[2])) or (_read(row[3]), _read(row[4])) for row in rows}
    _compiled.clear()
    _compiled.update(now)
    for id_, key, revision, _, previous, is_live, built_slots, built_until in rows:
        condition, before = now[id_, revision]
        if previous is None:
            before = None
        catalogue.add(Followed(id_, key, revision, condition, before, is_live, built_slots, built_until))
    return catalogue


def asked_streams(connection: Connection) -> set[Stream] | None:
    """What segments count; None where one is not understood by this release."""
    asked: set[Stream] = set()
    for expanded, previous in connection.execute(_CONDITIONS):
        for condition in filter(None, (expanded, previous)):
            notes = Notes()
            asked |= parse(condition, notes, is_expanded=True).streams
            if notes.errors:
                return None
    return asked


def _read(expanded: Any) -> Any:
    return parse(expanded, Notes(), is_expanded=True) if expanded is not None else None


_CONDITIONS = "SELECT expanded, previous FROM insights.segment WHERE status <> 'archived'"

_READ = """
    SELECT id, key, revision, expanded, previous, status = 'live', built_slots, built_until
      FROM insights.segment WHERE status <> 'archived' ORDER BY id
"""
