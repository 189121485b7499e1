"""Backtests at the staff door: asked for, looked at, exported."""

from typing import Any
from uuid import UUID

import pytest

from core import clock, ids
from engage.backtests.work import play_due
from tests.engage.conftest import START, Open, Scene, drawn, say
from tests.engage.test_api import staff

SPAN = {"since": "2026-11-21T11:00:00Z", "until": "2026-11-21T13:00:00Z"}


def ask(client: Any, journey_id: UUID, *, key: str = "k1", **body: Any) -> Any:
    return client.post(
        f"/admin/v1/journeys/{journey_id}/backtests",
        json={**SPAN, **body},
        headers={"Idempotency-Key": key},
    )


@pytest.fixture
def client(scene: Scene, open_for: Open) -> Any:
    scene.move(hours=2)  # the span lies in the past
    return open_for(staff("journeys.read"))


@pytest.fixture
def journey_id(scene: Scene) -> UUID:
    return scene.publish(drawn("hi", {"hi": say("Hi")}))


def test_a_backtest_is_asked_for_played_and_exported(client: Any, scene: Scene, journey_id: UUID) -> None:
    customer_id = scene.customer()
    scene.happen(scene.order(customer_id, occurred_at=START))

    asked = ask(client, journey_id)
    assert (asked.status_code, asked.json["status"]) == (202, "waiting")
    assert play_due(clock.now()) == 1
    shown = client.get(f"/admin/v1/backtests/{asked.json['id']}")
    listed = client.get(f"/admin/v1/journeys/{journey_id}/backtests")
    people = client.get(f"/admin/v1/backtests/{asked.json['id']}/customers")
    file = client.get(f"/admin/v1/backtests/{asked.json['id']}/customers.csv")

    assert (shown.json["status"], shown.json["result"]["messages"]) == ("done", 1)
    assert [one["id"] for one in listed.json["items"]] == [asked.json["id"]]
    assert people.json["items"] == [
        {"customer_id": str(customer_id), "entries": 1, "messages": 1, "vouchers": 0, "outcome": "finished"}
    ]
    assert file.mimetype == "text/csv"
    assert file.text.splitlines()[1] == f"{customer_id},1,1,0,finished"


def test_the_same_key_asks_once(client: Any, scene: Scene, journey_id: UUID) -> None:
    first, again = ask(client, journey_id), ask(client, journey_id)

    assert first.json["id"] == again.json["id"]
    assert ask(client, journey_id, until="2026-11-21T12:30:00Z").status_code == 422


def test_a_graph_with_faults_names_them(client: Any, scene: Scene, journey_id: UUID) -> None:
    graph = drawn("hi", {"hi": say("Hi", next="nowhere")})

    answer = ask(client, journey_id, graph=graph)

    assert (answer.status_code, answer.json["code"]) == (422, "journey_invalid")
    assert answer.json["errors"][0]["pointer"] == "/graph/steps/hi/next"


@pytest.mark.parametrize("path", ["journeys/{}/backtests", "backtests/{}", "backtests/{}/customers"])
def test_what_is_not_there_is_not_found(client: Any, scene: Scene, path: str) -> None:
    answer = client.get(f"/admin/v1/{path.format(ids.new())}")

    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_a_reason_that_a_spreadsheet_would_reckon_with_is_told_as_text(client: Any, scene: Scene) -> None:
    journey_id = scene.publish(drawn("bye", {"bye": {"kind": "exit", "reason": "=1+1"}}))
    customer_id = scene.customer()
    scene.happen(scene.order(customer_id, occurred_at=START))
    asked = ask(client, journey_id)
    assert play_due(clock.now()) == 1

    file = client.get(f"/admin/v1/backtests/{asked.json['id']}/customers.csv")

    assert file.text.splitlines()[1] == f"{customer_id},1,0,0,'=1+1"
