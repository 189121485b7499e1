"""Engage over HTTP: what staff publish, what customers allow, and why they got what they got."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from core import ids
from core.web.principals import Principal
from rewards.vouchers import codes
from tests.engage.conftest import Open, Scene, both_branches, vouchers_of


def staff(*permissions: str) -> Principal:
    return Principal("staff", ids.new(), frozenset(permissions))


def marketer(open_for: Open) -> FlaskClient:
    return open_for(staff("customers.read", "journeys.read", "journeys.write"))


def test_staff_draw_publish_pause_and_end_a_journey(scene: Scene, open_for: Open) -> None:
    client = marketer(open_for)
    made = client.post("/admin/v1/journeys", json={"name": "Come back", "holdout_bps": 500})
    path = f"/admin/v1/journeys/{made.json['id']}"
    assert (made.status_code, made.json["status"]) == (201, "draft")

    graph = both_branches(scene.coupon())
    published = client.post(f"{path}/versions", json={"graph": graph})
    assert (published.status_code, published.json["number"]) == (201, 1)
    assert client.get(path).json["status"] == "live"
    assert client.post(f"{path}/versions", json={"graph": graph}).json["number"] == 2
    assert client.put(f"{path}/status", json={"status": "paused"}).json["status"] == "paused"
    assert client.put(f"{path}/status", json={"status": "ended"}).json["status"] == "ended"

    refused = client.put(f"{path}/status", json={"status": "live"})
    assert (refused.status_code, refused.json["code"]) == (409, "journey_ended")
    assert [version["number"] for version in client.get(path).json["versions"]] == [2, 1]


def test_a_draft_cannot_go_live_without_a_version(open_for: Open) -> None:
    client = marketer(open_for)
    made = client.post("/admin/v1/journeys", json={"name": "Come back"}).json

    refused = client.put(f"/admin/v1/journeys/{made['id']}/status", json={"status": "live"})

    assert (refused.status_code, refused.json["code"]) == (409, "journey_not_published")


def test_faults_come_back_as_pointers_into_what_was_sent(scene: Scene, open_for: Open) -> None:
    client = marketer(open_for)
    made = client.post("/admin/v1/journeys", json={"name": "Come back"}).json
    graph = both_branches(scene.coupon())
    graph["steps"]["tell"]["template"]["body"] = "{{ voucher.secret }}"

    refused = client.post(f"/admin/v1/journeys/{made['id']}/versions", json={"graph": graph})

    assert (refused.status_code, refused.json["code"]) == (422, "journey_invalid")
    assert [error["pointer"] for error in refused.json["errors"]] == ["/graph/steps/tell/template/body"]


@pytest.mark.parametrize(
    "body",
    [
        {"graph": None}, {"graph": []}, {"graph": {"steps": {"a": {"kind": {}}}}}, {"graph": {"trigger": 3}},
        {"graph": {"first": {}, "trigger": {"event": "a.b", "where": {"all": [{"any": 1}]}}, "steps": {"a": 1}}},
    ],
)  # fmt: skip
def test_no_body_makes_a_fault_of_ours(open_for: Open, body: Any) -> None:
    client = marketer(open_for)
    made = client.post("/admin/v1/journeys", json={"name": "Come back"}).json

    assert client.post(f"/admin/v1/journeys/{made['id']}/versions", json=body).status_code == 422


def test_reading_is_not_writing(open_for: Open) -> None:
    client = open_for(staff("journeys.read"))

    assert client.get("/admin/v1/journeys").status_code == 200
    assert client.post("/admin/v1/journeys", json={"name": "Come back"}).status_code == 403


def test_a_journey_counts_who_stands_where(scene: Scene, open_for: Open) -> None:
    journey_id = scene.publish(both_branches(scene.coupon()))
    scene.happen(*[scene.order(customer_id) for customer_id in scene.customers(3)])
    scene.read()

    counts = marketer(open_for).get(f"/admin/v1/journeys/{journey_id}").json["counts"]

    assert [(row["status"], row["step"], row["customers"]) for row in counts] == [("waiting", "wait", 3)]


def test_decisions_tell_why_page_by_page(scene: Scene, open_for: Open) -> None:
    customer_id = scene.customer(consent=[])
    scene.publish(both_branches(scene.coupon()))
    scene.happen(scene.order(customer_id))
    scene.read()
    client, path = marketer(open_for), f"/admin/v1/customers/{customer_id}/decisions"

    first = client.get(path, query_string={"limit": 2}).json
    second = client.get(path, query_string={"limit": 2, "cursor": first["next_cursor"]}).json

    assert [item["outcome"] for item in first["items"]] == ["waiting", "skipped"]
    assert first["items"][1]["reasons"][0]["code"] == "no_consent"
    assert [(item["outcome"], item["voucher_id"]) for item in second["items"]] == [
        ("issued", str(vouchers_of(customer_id)[0]))
    ]
    assert second["next_cursor"] is None


def test_a_customer_allows_and_refuses(scene: Scene, open_for: Open) -> None:
    client = open_for(Principal("customer", scene.customer(consent=[])))
    said = {"channel": "push", "purpose": "marketing"}

    allowed = client.put("/app/v1/consents", json={**said, "granted": True})
    refused = client.put("/app/v1/consents", json={**said, "granted": False})

    assert (allowed.status_code, allowed.json["granted"], allowed.json["source"]) == (200, True, "app")
    assert refused.json["granted"] is False
    items = client.get("/app/v1/consents").json["items"]
    assert [(item["channel"], item["granted"]) for item in items] == [("push", False)]
    assert client.put("/app/v1/consents", json={**said, "granted": "yes"}).status_code == 422
    assert client.put("/app/v1/consents", json={**said, "channel": "fax", "granted": True}).status_code == 422


def test_the_inbox_is_the_customers_own(scene: Scene, open_for: Open) -> None:
    customer_id, stranger = scene.customer(), scene.customer()
    scene.publish(both_branches(scene.coupon()))
    scene.happen(scene.order(customer_id))
    scene.read()

    mine = open_for(Principal("customer", customer_id))
    [item] = mine.get("/app/v1/inbox").json["items"]
    path = f"/app/v1/inbox/{item['id']}/read"

    assert item["body"].startswith("Your code: ")
    assert open_for(Principal("customer", stranger)).get("/app/v1/inbox").json["items"] == []
    assert open_for(Principal("customer", stranger)).put(path).status_code == 404
    assert mine.put(path).json["read_at"] is not None


def test_a_voucher_link_opens_a_page_and_looks_nothing_up(open_for: Open) -> None:
    client = open_for()
    code = codes.draw()

    page = client.get(f"/c/{code}")

    assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-store")
    assert codes.display(code) in page.text
    assert client.get(f"/c/{code[:-1]}{'0' if code[-1] != '0' else '1'}").status_code == 404
    assert client.get("/c/<script>").status_code == 404
