"""Shares: which way of several a walk takes, drawn by a hash and so the same each time it is asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from core.notes import Notes
from core.population_shares import is_in_share
from engage.steps.base import Branch, Run, Where
from engage.steps.numbers import whole

ALL_BPS = 10_000
_MOST_WAYS = 10

_MEMBERS = frozenset(("name", "bps", "to"))


@dataclass(frozen=True)
class Way:
    """units  bps: basis points of those who come to the step"""

    name: str
    bps: int
    to: Branch


def parse_ways(raw: Any, notes: Notes, *, member: str) -> tuple[Way, ...]:
    """Two ways or more, whose shares come to the whole. member: what the step calls them"""
    if not isinstance(raw, list) or not 2 <= len(raw) <= _MOST_WAYS:
        notes.say(f"Must be a list of 2 to {_MOST_WAYS} {member}.")
        return ()
    ways = tuple(_way(one, notes.at(position)) for position, one in enumerate(raw))
    names = [way.name for way in ways if way.name]
    for name in sorted({name for name in names if names.count(name) > 1}):
        notes.say(f"The name “{name}” stands there twice.")
    total = sum(way.bps for way in ways)
    if total != ALL_BPS:
        notes.say(f"The shares come to {total / 100:g} %, and must come to 100 % (10000 basis points).")
    return ways


def drawn(ways: Sequence[Way], where: Where, run: Run, *, is_sticky: bool) -> Way:
    """The way that this walk takes.

    is_sticky  the customer takes the same one whenever they come to the step again; else each visit is drawn anew
    """
    place = run.step if is_sticky else f"{run.step}|{where.entry_key}|{run.visit}"
    return drawn_at(place, ways, run.customer_id, journey_id=where.journey_id)


def drawn_at(place: str, ways: Sequence[Way], customer_id: UUID, *, journey_id: UUID | None) -> Way:
    """The way that a customer is sent at a place of a journey: a step's name where each keeps theirs."""
    salt = uuid5(journey_id or UUID(int=0), place)
    reached = 0
    for way in ways:
        reached += way.bps
        if is_in_share(salt, customer_id, bps=reached):
            return way
    return ways[-1]


def branches_of(ways: Sequence[Way], member: str) -> dict[str, Branch]:
    return {f"{member}/{position}/to": way.to for position, way in enumerate(ways)}


def _way(raw: Any, notes: Notes) -> Way:
    given = notes.object_(raw, allowed=_MEMBERS, required=frozenset(("name", "bps")))
    return Way(
        name=notes.at("name").text(given["name"], longest=50) if "name" in given else "",
        bps=whole(given.get("bps", 1), notes.at("bps"), least=1, most=ALL_BPS - 1, what="basis points"),
        to=given.get("to"),
    )
