"""Segments that are built, and what stands of them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from core import db
from core.db import connection_of
from core.notes import Notes
from insights.segments import Condition, building, membership, midnight, parse, saved
from insights.segments.models import Segment
from insights.streams import filling
from tests.insights.log import NOON

STAFF = "staff:test"


def read_condition(raw: Any) -> Condition:
    """A condition that must be sound."""
    notes = Notes("/condition")
    condition = parse(raw, notes)
    assert notes.errors == []
    return condition


def faults(raw: Any) -> list[tuple[str, str]]:
    notes = Notes("/condition")
    parse(raw, notes)
    return [(error["pointer"], error["detail"]) for error in notes.errors]


def saved_segment(key: str, condition: Any) -> UUID:
    with db.transaction() as session:
        return saved.create(session, key=key, name=key, condition=condition, actor=STAFF, now=NOON).id


def changed_segment(segment_id: UUID, condition: Any, *, revision: int = 1) -> None:
    with db.transaction() as session:
        saved.change(session, segment_id, name="changed", condition=condition, revision=revision, actor=STAFF, now=NOON)


def build(now: datetime = NOON) -> None:
    """Let the worker fill streams and build segments until nothing is due."""
    while filling.fill_due(now) or building.build_due(now):
        pass


def a_segment(key: str, condition: Any) -> UUID:
    """A segment that is live."""
    segment_id = saved_segment(key, condition)
    build()
    return segment_id


def midnight_of(now: datetime) -> int:
    """Let time alone do what it does; returns how many rows were looked at again."""
    looked_at = 0
    while rows := midnight.recheck_due(now):
        looked_at += rows
    return looked_at


def segments_of(customer_id: UUID) -> set[str]:
    with db.transaction() as session:
        return set(membership.of(connection_of(session), [customer_id])[customer_id])


def told(name: str = "segment.%") -> list[tuple[str, UUID, str, bool]]:
    """What was announced of segments: event, customer, key, whether as a rebuild."""
    with db.transaction() as session:
        rows = connection_of(session).execute(
            "SELECT name, customer_id, payload ->> 'key', (payload ->> 'is_rebuild')::boolean FROM core.event"
            " WHERE name LIKE %s AND customer_id IS NOT NULL ORDER BY seq",
            [name],
        )
        return [(row[0], row[1], row[2], row[3]) for row in rows]


def segment_row(segment_id: UUID) -> Segment:
    with db.transaction() as session:
        segment = session.get(Segment, segment_id)
        assert segment is not None
        return segment
