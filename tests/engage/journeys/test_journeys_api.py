"""Journeys over HTTP: drafts, checks, publishing with those inside, and what is refused."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from core import ids
from core.web.principals import Principal
from tests.engage.conftest import Open, Scene, both_branches, gift, journey, say

Client = FlaskClient


@pytest.fixture
def client(open_for: Open) -> Client:
    return staff(open_for, "journeys.read", "journeys.write")


def staff(open_for: Open, *permissions: str) -> Client:
    return open_for(Principal("staff", ids.new(), frozenset(permissions)))


def begun(client: Client, **more: Any) -> str:
    made = client.post("/admin/v1/journeys", json={"name": "Come back", **more})
    assert made.status_code == 201, made.json
    return f"/admin/v1/journeys/{made.json['id']}"


def hello() -> dict[str, Any]:
    return journey("hi", {"hi": say("Hello")})


def test_one_in_ten_is_held_out_unless_staff_say_otherwise(client: Client) -> None:
    assert client.get(begun(client)).json["holdout_bps"] == 1_000
    assert client.get(begun(client, holdout_bps=0)).json["holdout_bps"] == 0


def test_a_draft_is_kept_with_its_faults_and_published_without(client: Client) -> None:
    path = begun(client)
    assert client.get(f"{path}/draft").json == {"graph": None, "revision": 0}

    faulty = client.put(f"{path}/draft", json={"graph": {"steps": 3}, "revision": 0})
    refused = client.post(f"{path}/versions", json={})
    mended = client.put(f"{path}/draft", json={"graph": hello(), "revision": 1})
    published = client.post(f"{path}/versions", json={})

    assert (faulty.status_code, faulty.json["revision"]) == (200, 1)
    assert (refused.status_code, refused.json["code"]) == (422, "journey_invalid")
    assert mended.json["revision"] == 2
    assert (published.status_code, published.json["graph"]) == (201, hello())
    assert client.get(f"{path}/draft").json == {"graph": None, "revision": 2}


def test_nobody_overwrites_a_draft_that_they_have_not_seen(client: Client) -> None:
    path = begun(client)
    client.put(f"{path}/draft", json={"graph": hello(), "revision": 0})

    refused = client.put(f"{path}/draft", json={"graph": {}, "revision": 0})

    assert (refused.status_code, refused.json["code"], refused.json["draft_revision"]) == (409, "draft_outdated", 1)


def test_there_is_no_draft_to_publish_until_one_is_saved(client: Client) -> None:
    path = begun(client)

    assert client.post(f"{path}/versions", json={}).json["code"] == "draft_missing"
    assert client.post(f"{path}/checks", json={}).json["code"] == "draft_missing"


def test_checks_tell_what_is_wrong_and_what_may_be_and_change_nothing(scene: Scene, client: Client) -> None:
    path = begun(client, holdout_bps=0)
    graph = both_branches(scene.coupon())
    graph["steps"]["gift"]["campaign_id"] = str(ids.new())

    checked = client.post(f"{path}/checks", json={"graph": graph})

    assert checked.status_code == 200, checked.json
    assert [error["pointer"] for error in checked.json["errors"]] == ["/graph/steps/gift/campaign_id"]
    told = " ".join(warning["detail"] for warning in checked.json["warnings"])
    assert "Nobody is held out" in told
    assert "has no goal" in told
    assert "event.total_minor" in checked.json["says"]
    assert client.get(path).json["versions"] == []


def test_a_holdout_stays_once_a_version_is_published(client: Client) -> None:
    path = begun(client)
    assert client.patch(path, json={"holdout_bps": 500}).json["holdout_bps"] == 500
    client.post(f"{path}/versions", json={"graph": hello()})

    refused = client.patch(path, json={"holdout_bps": 0})
    changed = client.patch(path, json={"name": "Hello", "spend": {"most_minor": 5, "per": "day"}, "holdout_bps": 500})

    assert (refused.status_code, refused.json["code"]) == (409, "journey_fixed")
    assert (changed.json["name"], changed.json["spend"]) == (
        "Hello",
        {"most_minor": 5, "per": "day", "currency": "USD"},
    )


def test_a_spend_that_makes_no_sense_is_refused(client: Client) -> None:
    faulty = client.post(
        "/admin/v1/journeys", json={"ready": "first_purchase", "values": {"campaign_id": 5, "x" * 51: ""}}
    )
    assert sorted(error["pointer"] for error in faulty.json["errors"]) == [
        "/values/campaign_id",
        *[f"/values/{'x' * 51}"] * 2,
    ]
    refused = client.post("/admin/v1/journeys", json={"name": "x", "spend": {"most_minor": -1, "per": "hour"}})

    assert refused.status_code == 422
    assert {error["pointer"] for error in refused.json["errors"]} == {"/spend/most_minor", "/spend/per"}


def test_a_ready_made_journey_becomes_a_draft(scene: Scene, client: Client) -> None:
    offered = client.get("/admin/v1/journeys/ready").json["items"]
    path = begun(client, ready="first_purchase", values={"campaign_id": str(scene.coupon())})

    assert len(offered) == 7
    made = client.get(path).json
    assert (made["stage"], made["draft_revision"]) == ("acquire", 1)
    assert client.post(f"{path}/versions", json={}).status_code == 201


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"ready": "first_purchase"}, "/values/campaign_id"),
        ({"ready": "nothing"}, "/ready"),
        ({"ready": "welcome", "values": {"x": "y"}}, "/values/x"),
        ({}, "/name"),
        ({"name": "x", "values": {}}, "/values"),
    ],
)
def test_what_a_ready_made_journey_lacks_is_named(client: Client, body: dict[str, Any], pointer: str) -> None:
    refused = client.post("/admin/v1/journeys", json=body)

    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json["errors"]] == [pointer]


def test_moving_those_inside_needs_a_permission_of_its_own(open_for: Open, client: Client) -> None:
    path = begun(client)
    client.post(f"{path}/versions", json={"graph": hello()})

    refused = client.post(f"{path}/versions", json={"graph": hello(), "inside": "exit"})
    mover = staff(open_for, "journeys.read", "journeys.write", "journeys.move")
    moved = mover.post(f"{path}/versions", json={"graph": hello(), "inside": "exit"})

    assert refused.status_code == 403
    assert moved.status_code == 201
    [move] = mover.get(f"{path}/moves").json["items"]
    assert (move["how"], move["status"], move["to_version_id"]) == ("exit", "waiting", None)


def test_a_paused_journey_may_hold_those_inside(client: Client) -> None:
    path = begun(client)
    client.post(f"{path}/versions", json={"graph": hello()})

    held = client.put(f"{path}/status", json={"status": "paused", "hold_inside": True}).json
    resumed = client.put(f"{path}/status", json={"status": "live"}).json

    assert (held["status"], held["is_holding"], held["paused_because"]) == ("paused", True, "staff")
    assert (resumed["status"], resumed["is_holding"], resumed["paused_because"]) == ("live", False, None)


@pytest.mark.parametrize("route", ["draft", "checks", "moves", "versions"])
def test_an_unknown_journey_is_not_found(client: Client, open_for: Open, route: str) -> None:
    path = f"/admin/v1/journeys/{ids.new()}/{route}"
    calls = {
        "draft": lambda: client.put(path, json={"graph": {}, "revision": 0}),
        "checks": lambda: client.post(path, json={"graph": hello()}),
        "moves": lambda: client.get(path),
        "versions": lambda: client.post(path, json={"graph": hello()}),
    }

    assert calls[route]().status_code == 404


@pytest.mark.parametrize(
    "text",
    [
        '{"graph": {"a": "\\u0000"}, "revision": 0}', '{"graph": {"a\\u0000": 1}, "revision": 0}',
        '{"graph": {"a": NaN}, "revision": 0}', '{"graph": {"a": 1e999}, "revision": 0}',
        '{"graph": {"a": "\\ud800"}, "revision": 0}',
        '{"graph": ' + '{"a":' * 500 + "1" + "}" * 500 + ', "revision": 0}',
    ],
)  # fmt: skip
def test_no_draft_makes_a_fault_of_ours(client: Client, text: str) -> None:
    path = begun(client)

    saved = client.put(f"{path}/draft", data=text, content_type="application/json")
    checked = client.post(f"{path}/checks", data=text.replace(', "revision": 0', ""), content_type="application/json")

    assert saved.status_code in (200, 400, 422), saved.json
    assert checked.status_code in (200, 400, 422), checked.json


def test_a_gift_card_step_needs_a_campaign_of_gift_cards(scene: Scene, client: Client) -> None:
    step = {**gift(scene.coupon()), "kind": "issue_gift_card"}

    refused = client.post(f"{begun(client)}/versions", json={"graph": journey("gift", {"gift": step})})

    assert [error["pointer"] for error in refused.json["errors"]] == ["/graph/steps/gift/campaign_id"]
    assert "gift cards" in refused.json["errors"][0]["detail"]
