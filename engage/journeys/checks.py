"""Checks: what staff are told of a graph before it is published."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from engage.journeys import checking, drawing, graph, spending, warning
from engage.journeys.errors import JourneyInvalid
from engage.results import smallest
from engage.templates import variables

POINTER = "/graph"


@dataclass(frozen=True, slots=True)
class Checks:
    """errors, warnings: each {"pointer", "detail"}; says: what its templates may say

    expected_entries  how often the entry's event happened in the last 30 days; None where nobody knows
    smallest          the smallest effect that could be seen, with the journey's holdout and by the year's orders
    """

    errors: list[dict[str, str]]
    warnings: list[dict[str, str]]
    says: list[str]
    expected_entries: int | None
    smallest: dict[str, Any]


def run(session: Session, *, journey_id: UUID, raw_graph: dict[str, Any] | None, now: datetime) -> Checks:
    """What is wrong with a graph (None: the draft), what may be, and what effect it could show.

    raises  NotFound; DraftMissing
    """
    journey = drawing.find(session, journey_id)
    raw = drawing.draft_of(journey) if raw_graph is None else raw_graph
    # First of all: it takes longest, and holds nobody up as long as nothing is locked.
    seen = smallest.told(smallest.of_journey(session, journey, now=now))
    try:
        drawn = graph.parse(raw, pointer=POINTER)
    except JourneyInvalid as refused:
        return Checks(list(refused.facts["errors"]), [], [], None, seen)
    expected = warning.of(session, journey, drawn, pointer=POINTER, now=now)
    says = variables.of_event(drawn.entry.event).told(links=()).split(", ")
    faults = checking.faults(session, drawn, pointer=POINTER, spend=spending.of(journey.spend))
    return Checks(faults, expected.warnings, says, expected.entries, seen)
