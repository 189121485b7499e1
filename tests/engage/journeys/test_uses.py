"""What a journey goes by is not taken from under it."""

import json
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app import wiring
from core.db import connection_of, transaction
from engage.journeys import drawing
from engage.journeys import uses as journey_uses
from engage.journeys.errors import JourneyInvalid
from insights.segments import saved, uses
from insights.segments.errors import SegmentInUse
from insights.streams import filling
from tests.engage.conftest import Scene, journey, say

BUYERS = {"profile": "orders", "is": "at_least", "value": 1}


@pytest.fixture
def segment_id(scene: Scene) -> Any:
    uses.register(wiring.SEGMENT_USERS)
    with transaction() as session:
        made = saved.create(session, key="buyers", name="Buyers", condition=BUYERS, actor="staff:test", now=scene.now)
        return made.id


@pytest.mark.parametrize(
    "names",
    [
        {"entry": {"segment": "buyers", "on": "left"}},
        {"exit_when": [{"segment": "buyers", "on": "left"}]},
        {"audience": {"not": {"segment": "buyers"}}},
        {"audience": {"all": [{"segment": "buyers"}, BUYERS]}},
    ],
)
def test_a_segment_that_a_journey_names_is_not_archived(scene: Scene, segment_id: Any, names: dict[str, Any]) -> None:
    raw = {"entry": {"event": "order.completed"}, "purpose": "marketing", "first": "a", "steps": {"a": say("Hi")}}
    journey_id = scene.publish({**raw, **names})

    with pytest.raises(SegmentInUse) as refused, transaction() as session:
        saved.archive(session, segment_id, actor="staff:test", now=scene.now)
    assert "the journey “Thanks”" in str(refused.value.facts)

    scene.set_status(journey_id, "ended")
    with transaction() as session:
        saved.archive(session, segment_id, actor="staff:test", now=scene.now)


def test_an_unknown_segment_is_named_with_what_was_meant(scene: Scene, segment_id: Any) -> None:
    raw = journey("a", {"a": say("Hi")})
    branch = {"kind": "branch", "paths": [{"when": {"segment": "buyrs"}, "to": "a"}]}
    raw = {**raw, "first": "which", "steps": {"which": branch, **raw["steps"]}}

    with pytest.raises(JourneyInvalid) as refused:
        scene.publish(raw)

    [error] = refused.value.facts["errors"]
    assert error["pointer"] == "/graph/steps/which/paths/0/when"
    assert "Did you mean “buyers”?" in error["detail"]


def test_what_a_journey_counts_stays_counted_till_nobody_walks_it(scene: Scene) -> None:
    journey_id = scene.publish(_asking(2))
    while filling.fill_due(scene.now):
        pass
    scene.happen(scene.order(scene.customer()))
    scene.read()
    _draft(scene, journey_id, _asking(3))
    before = _asked()
    scene.set_status(journey_id, "ended")
    inside = _asked()
    scene.move(seconds=601)
    scene.read()
    scene.work()

    assert (before, inside, _asked()) == ({2, 3}, {2}, set())


def test_a_draft_with_faults_asks_for_nothing_and_a_version_that_is_not_understood_keeps_all(scene: Scene) -> None:
    journey_id = scene.publish(_asking(2))
    _draft(scene, journey_id, {"steps": 3})
    assert _asked() == {2}

    with transaction() as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))  # past the trigger, here alone
        session.execute(text("UPDATE engage.journey_version SET graph = '{\"steps\": 4}'"))

    with transaction() as session:
        assert journey_uses.asked_streams(connection_of(session)) is None


def _asking(minor: int) -> dict[str, Any]:
    """A journey whose audience is everybody, and yet asks for what must be counted."""
    asked = {"event": "order.completed", "where": {"field": "total_minor", "is": "at_least", "value": minor}}
    steps = {"wait": {"kind": "wait", "timeout_seconds": 600}}
    audience = {"any": [asked, {"not": asked}]}
    return {
        "entry": {"event": "order.completed"}, "purpose": "marketing", "audience": audience, "first": "wait",
        "steps": steps,
    }  # fmt: skip


def _draft(scene: Scene, journey_id: UUID, raw: dict[str, Any]) -> None:
    with transaction() as session:
        drawing.save_draft(session, journey_id=journey_id, graph=raw, revision=0, actor="staff:test", now=scene.now)


def _asked() -> set[int]:
    """The amounts by which journeys count orders."""
    with transaction() as session:
        found = journey_uses.asked_streams(connection_of(session))
    assert found is not None
    return {json.loads(stream.condition)["value"] for stream in found}
