"""Where those inside stand: counted at once where they are few, and every ten minutes where they are many."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core import ids
from core.db import transaction
from core.web.principals import Principal
from engage import journeys
from engage.journeys import standing
from tests.engage.conftest import Open, Scene, drawn, say, wait

GRAPH: dict[str, Any] = {"wait": wait(60, on_timeout="say"), "say": say("Hi")}


def enter(scene: Scene, number: int) -> None:
    scene.happen(*(scene.order(customer_id) for customer_id in scene.customers(number)))
    scene.read()


def told(scene: Scene, journey_id: UUID) -> tuple[dict[tuple[str, str | None], int], Any]:
    with transaction() as session:
        found = standing.of_journey(session, journey_id, now=scene.now)
    return {(one.state, one.step): one.customers for one in found.counts}, found.counted_at


def test_few_are_counted_when_it_is_asked(scene: Scene) -> None:
    journey_id = scene.publish(drawn("wait", GRAPH))
    enter(scene, 3)

    assert told(scene, journey_id) == ({("waiting", "wait"): 3}, scene.now)


def test_many_are_told_as_they_were_counted_last(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "MOST_COUNTED", 5)
    monkeypatch.setattr(standing, "_PAGE", 2)
    many, few = scene.publish(drawn("wait", GRAPH)), scene.publish(drawn("say", {"say": say("Hi")}))
    enter(scene, 5)
    standing.count_all(scene.now)
    assert told(scene, many) == ({("waiting", "wait"): 5}, scene.now)
    enter(scene, 2)

    # Nothing is kept yet: then it is counted all the same.
    assert told(scene, many) == ({("waiting", "wait"): 7}, scene.now)
    counted_at = scene.now
    standing.count_all(counted_at)
    scene.move(minutes=5)
    enter(scene, 1)
    assert told(scene, many) == ({("waiting", "wait"): 7}, counted_at)
    assert told(scene, few)[1] == counted_at

    standing.count_all(scene.now)
    assert told(scene, many) == ({("waiting", "wait"): 8}, counted_at + timedelta(minutes=5))


def test_nobody_waits_until_very_many_are_counted(
    scene: Scene, open_for: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    journey_id = scene.publish(drawn("wait", GRAPH))
    enter(scene, 3)
    monkeypatch.setattr(standing, "MOST_COUNTED", 2)
    monkeypatch.setattr(standing, "_ALL", "SELECT pg_sleep(5), %s::uuid")
    client = open_for(Principal("staff", ids.new(), frozenset({"journeys.read"})))

    before = client.get(f"/admin/v1/journeys/{journey_id}").json
    standing.count_all(scene.now)
    after = client.get(f"/admin/v1/journeys/{journey_id}").json

    assert (before["counts"], before["counted_at"]) == ([], None)
    assert [one["customers"] for one in after["counts"]] == [3] and after["counted_at"]


def test_a_journey_tells_its_latest_versions_and_lists_all(scene: Scene, open_for: Open) -> None:
    client = open_for(Principal("staff", ids.new(), frozenset({"journeys.read"})))
    journey_id = scene.publish(drawn("say", {"say": say("Hi")}))
    for _ in range(11):
        scene.publish(drawn("say", {"say": say("Hi")}), journey_id=journey_id)

    path = f"/admin/v1/journeys/{journey_id}"
    assert [one["number"] for one in client.get(path).json["versions"]] == list(range(12, 2, -1))
    assert client.get(path).json["counted_at"]
    first = client.get(f"{path}/versions?limit=8").json
    second = client.get(f"{path}/versions?limit=8&cursor={first['next_cursor']}").json
    assert [one["number"] for one in first["items"] + second["items"]] == list(range(12, 0, -1))
    assert client.get(f"/admin/v1/journeys/{ids.new()}/versions").status_code == 404
    with transaction() as session:
        assert len(journeys.versions_of(session, journey_id)) == 10
