"""What a rule cannot be met without: by this, campaigns that do not concern a basket are never looked at."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Concerns:
    """Of each set that is there, the basket holds, or the till or the customer is, at least one; None: anything."""

    skus: frozenset[str] | None = None
    categories: frozenset[str] | None = None
    stores: frozenset[UUID] | None = None
    audiences: frozenset[UUID] | None = None

    def and_(self, other: "Concerns") -> "Concerns":
        """Of what both must hold for: the smaller set of each."""
        return _joined([self, other], _smallest)

    @staticmethod
    def of_all(parts: Iterable["Concerns"]) -> "Concerns":
        return _joined(list(parts), _smallest)

    @staticmethod
    def of_any(parts: Iterable["Concerns"]) -> "Concerns":
        return _joined(list(parts), _union)


ANYTHING = Concerns()

_Set = frozenset[Any] | None


def _joined(parts: list[Concerns], by: Callable[[list[_Set]], _Set]) -> Concerns:
    found = {each.name: by([getattr(part, each.name) for part in parts]) for each in fields(Concerns)}
    return Concerns(**found) if any(value is not None for value in found.values()) else ANYTHING


def _smallest(sets: list[_Set]) -> _Set:
    return min((each for each in sets if each is not None), key=len, default=None)


def _union(sets: list[_Set]) -> _Set:
    there = [each for each in sets if each is not None]
    if not there or len(there) < len(sets):
        return None
    found: frozenset[Hashable] = frozenset()
    return found.union(*there)
