"""What rewards must know of rooms above it: handed in by the wiring, never imported."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from core.db import Connection

#: By customer, the names of the segments that they are in. All of the customers are in the answer.
SegmentsOf = Callable[[Connection, Collection[UUID]], Mapping[UUID, frozenset[str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """segments_of: None while no room knows segments; then rules that ask for one are refused"""

    segments_of: SegmentsOf | None = None


_answers = Answers()


def register(answers: Answers) -> None:
    """Take the answers of the rooms above; until then nobody is known to be in a segment."""
    global _answers
    _answers = answers


def knows_segments() -> bool:
    return _answers.segments_of is not None


def segments_of(connection: Connection, customer_ids: Collection[UUID]) -> Mapping[UUID, frozenset[str]]:
    return _answers.segments_of(connection, customer_ids) if _answers.segments_of and customer_ids else {}
