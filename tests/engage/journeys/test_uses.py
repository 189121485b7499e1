"""What a journey goes by is not taken from under it."""

from typing import Any

import pytest

from app import wiring
from core.db import transaction
from engage.journeys.errors import JourneyInvalid
from insights.segments import saved, uses
from insights.segments.errors import SegmentInUse
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
