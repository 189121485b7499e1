"""Why, and why not: for staff, and for the customer."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from core import ids
from core.db import connection_of, transaction
from core.delivery.models import Message
from core.web.principals import Principal
from engage.broadcasts.models import Broadcast, BroadcastSend
from engage.walks.models import RefusedEntry
from rewards.refusals.models import VoucherRefusal
from tests.engage.conftest import Open, Scene, both_branches, vouchers_of


@pytest.fixture
def staff(open_for: Open) -> FlaskClient:
    return open_for(Principal(kind="staff", id=ids.new(), permissions=frozenset({"customers.read"})))


def _why(staff: FlaskClient, customer_id: UUID, **query: Any) -> dict[str, Any]:
    answer = staff.get(f"/admin/v1/customers/{customer_id}/decisions", query_string=query)
    assert answer.status_code == 200, answer.get_json()
    told: dict[str, Any] = answer.get_json()
    return told


def _own(open_for: Open, customer_id: UUID) -> list[tuple[str, str, str]]:
    items = open_for(Principal("customer", customer_id)).get("/app/v1/decisions").get_json()["items"]
    return [(item["what"], item["outcome"], item["words"]) for item in items]


def _walk(scene: Scene, **more: Any) -> tuple[UUID, UUID]:
    """A journey, and a customer who has begun it."""
    journey_id = scene.publish(both_branches(scene.coupon()), **more)
    customer_id = scene.customer()
    scene.happen(scene.order(customer_id))
    scene.read()
    return journey_id, customer_id


def _refuse(journey_id: UUID, customer_id: UUID, code: str, *, event_id: UUID, at: datetime) -> None:
    reasons = [{"code": code, "detail": "The customer had entered too short a time before."}]
    with transaction() as session:
        session.add(
            RefusedEntry(journey_id=journey_id, customer_id=customer_id, event_id=event_id, reasons=reasons, at=at)
        )


def _broadcast(customer_id: UUID, *, outcome: str, arm: str = "treated", at: datetime) -> UUID:
    broadcast_id, reasons = ids.new(), [{"code": "capped", "detail": "Often enough."}]
    with transaction() as session:
        session.add(
            Broadcast(
                id=broadcast_id, name="Spring", segment_id=ids.new(), wording={}, purpose="marketing",
                channels=["sms"], quiet="hold", holdout_bps=0, status="done", created_by="staff:test", created_at=at,
                started_at=at,
            )
        )  # fmt: skip
        session.flush()
        session.add(
            BroadcastSend(
                id=ids.new(), broadcast_id=broadcast_id, customer_id=customer_id, arm=arm, outcome=outcome,
                reasons=reasons if outcome == "skipped" else [], message_ids=[], at=at,
            )
        )  # fmt: skip
    return broadcast_id


def test_what_became_of_one_customer_needs_more_than_to_see_journeys(scene: Scene, open_for: Open) -> None:
    client = open_for(Principal(kind="staff", id=ids.new(), permissions=frozenset({"journeys.read"})))

    assert client.get(f"/admin/v1/customers/{scene.customer()}/decisions").status_code == 403


def test_steps_entries_broadcasts_and_tills_stand_in_one_list(scene: Scene, staff: FlaskClient) -> None:
    journey_id, customer_id = _walk(scene)
    [voucher_id] = vouchers_of(customer_id)
    _refuse(journey_id, customer_id, "too_soon", event_id=ids.new(), at=scene.now)
    broadcast_id = _broadcast(customer_id, outcome="skipped", at=scene.now)
    with transaction() as session:
        session.add(
            VoucherRefusal(
                id=ids.new(), voucher_id=voucher_id, campaign_id=ids.new(), customer_id=customer_id,
                merchant_id=ids.new(), store_id=ids.new(), terminal_id=ids.new(), code="minimum_spend",
                total_minor=400, currency="USD", reason={"conditions": [], "rule": None}, refused_at=scene.now,
            )
        )  # fmt: skip

    items = _why(staff, customer_id)["items"]

    assert [item["what"] for item in items] == ["voucher", "broadcast", "entry", "step", "step", "step"]
    assert [item["reasons"][0]["code"] for item in items[:3]] == ["minimum_spend", "capped", "too_soon"]
    assert items[1]["broadcast_id"] == str(broadcast_id) and items[1]["broadcast_name"] == "Spring"
    assert items[2]["journey_id"] == str(journey_id)


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_lose_nothing_where_one_event_was_refused_by_several_journeys(
    scene: Scene, staff: FlaskClient, limit: int
) -> None:
    customer_id, event_id = scene.customer(), ids.new()
    journeys = [scene.publish(both_branches(scene.coupon())) for _ in range(3)]
    for journey_id in journeys:
        _refuse(journey_id, customer_id, "late", event_id=event_id, at=scene.now)
    _broadcast(customer_id, outcome="sent", at=scene.now)

    seen, cursor = [], None
    while True:
        page = _why(staff, customer_id, limit=limit, **({"cursor": cursor} if cursor else {}))
        seen += [item["journey_id"] or item["broadcast_id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert len(seen) == len(set(seen)) == 4
    assert {str(journey_id) for journey_id in journeys} < set(seen)


@pytest.mark.parametrize("cursor", ["nonsense", "WyJhIl0", "WyJhL2IiXQ"])
def test_a_cursor_that_we_did_not_make_is_refused(scene: Scene, staff: FlaskClient, cursor: str) -> None:
    answer = staff.get(f"/admin/v1/customers/{scene.customer()}/decisions", query_string={"cursor": cursor})

    assert (answer.status_code, answer.get_json()["code"]) == (422, "cursor_invalid")


def test_nobody_is_no_customer_without_decisions(staff: FlaskClient) -> None:
    assert staff.get(f"/admin/v1/customers/{ids.new()}/decisions").status_code == 404


def test_a_message_held_back_says_why(scene: Scene, staff: FlaskClient, open_for: Open) -> None:
    _, customer_id = _walk(scene)
    with transaction() as session:
        session.execute(update(Message).values(state="suppressed", last_error="opted_out", due_at=None))

    told = next(item for item in _why(staff, customer_id)["items"] if item["step"] == "tell")

    assert [(one["channel"], one["status"], one["because"]) for one in told["messages"]] == [
        ("sms", "suppressed", "opted_out")
    ]
    assert ("message", "not_sent", "You told us STOP.") in _own(open_for, customer_id)


def test_why_is_answered_for_one_journey(scene: Scene, staff: FlaskClient) -> None:
    journey_id, customer_id = _walk(scene)
    other = scene.publish(both_branches(scene.coupon()))
    _refuse(other, customer_id, "too_soon", event_id=ids.new(), at=scene.now)

    entered, refused = _why(staff, customer_id, about=journey_id), _why(staff, customer_id, about=other)
    stranger = _why(staff, scene.customer(), about=journey_id)

    assert entered["answer"]["verdict"] == "entered" and "“wait”" in entered["answer"]["words"]
    assert {item["journey_id"] for item in entered["items"]} == {str(journey_id)}
    assert refused["answer"]["verdict"] == "refused" and refused["answer"]["reasons"][0]["code"] == "too_soon"
    assert stranger["answer"]["verdict"] == "never_seen" and stranger["items"] == []
    assert "published on 2026-11-21" in stranger["answer"]["words"]
    assert _why(staff, customer_id)["answer"] is None


def test_a_draft_and_an_unknown_journey_are_answered(scene: Scene, staff: FlaskClient) -> None:
    with transaction() as session:
        draft = ids.new()
        connection_of(session).execute(
            "INSERT INTO engage.journey (id, name, status, holdout_bps, created_at) VALUES (%s, 'x', 'draft', 0, %s)",
            [draft, scene.now],
        )
    path = f"/admin/v1/customers/{scene.customer()}/decisions"

    assert staff.get(path, query_string={"about": draft}).get_json()["answer"]["verdict"] == "not_published"
    assert staff.get(path, query_string={"about": ids.new()}).status_code == 404
    assert staff.get(path, query_string={"about": "mine"}).status_code == 422


def test_customers_see_what_they_were_given_and_sent(scene: Scene, open_for: Open) -> None:
    _, customer_id = _walk(scene)

    assert _own(open_for, customer_id) == [
        ("message", "sent", "We wrote to you."),
        ("offer", "given", "You were given it."),
    ]


def test_customers_are_told_of_a_message_that_they_did_not_allow(scene: Scene, open_for: Open) -> None:
    scene.publish(both_branches(scene.coupon()))
    customer_id = scene.customer(consent=[])
    scene.happen(scene.order(customer_id))
    scene.read()

    assert ("message", "not_sent", "You have not allowed us to write to you there.") in _own(open_for, customer_id)


def test_nobody_is_told_that_they_were_held_out(scene: Scene, staff: FlaskClient, open_for: Open) -> None:
    """Staff see it; the customer sees what one whom the journey did not let in sees, to the letter."""
    journey_id, held = _walk(scene, holdout_bps=10_000)
    refused = scene.customer()
    _refuse(journey_id, refused, "not_in_audience", event_id=ids.new(), at=scene.now)
    in_control = scene.customer()
    _broadcast(in_control, outcome="held_out", arm="control", at=scene.now)

    assert _why(staff, held, about=journey_id)["answer"]["verdict"] == "held_out"
    assert all(item["is_held_out"] for item in _why(staff, held)["items"])
    assert _own(open_for, held) == _own(open_for, refused) == _own(open_for, in_control)
    assert _own(open_for, held) == [("offer", "not_given", "You were not part of this offer.")]


def test_customers_see_their_own_decisions_alone(scene: Scene, open_for: Open) -> None:
    _walk(scene)

    assert _own(open_for, scene.customer()) == []


def test_decisions_are_for_those_who_may_read_journeys(scene: Scene, open_for: Open) -> None:
    client = open_for(Principal(kind="staff", id=ids.new(), permissions=frozenset({"campaigns.read"})))

    assert client.get(f"/admin/v1/customers/{scene.customer()}/decisions").status_code == 403
