"""Broadcasts over the staff door: written, tried, started once, cancelled."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from core import clock, ids
from core.db import transaction
from core.web.principals import Principal
from engage.broadcasts import work
from insights.segments.models import Segment
from tests.engage.broadcasts.audience import SAYS, SAYS_CODE, add, segment
from tests.engage.conftest import Open, Scene, sent, vouchers_of

ALL = frozenset({"broadcasts.read", "broadcasts.write", "broadcasts.send"})


@pytest.fixture
def staff(open_for: Open) -> FlaskClient:
    return open_for(Principal("staff", ids.new(), permissions=ALL))


@pytest.fixture(autouse=True)
def on_time(scene: Scene) -> None:
    """The doors read the clock: the scene's customers must have been there before."""
    scene.now = clock.now() - timedelta(minutes=1)


def body(scene: Scene, members: list[UUID], **more: Any) -> dict[str, Any]:
    made = {
        "name": "Autumn thanks",
        "segment_id": str(segment(members, now=scene.now)),
        "channels": ["sms"],
        "template": SAYS,
        "holdout_bps": 0,
    }
    return {**made, **more}


def created(staff: FlaskClient, given: dict[str, Any]) -> str:
    answer = staff.post("/admin/v1/broadcasts", json=given)
    assert answer.status_code == 201, answer.json
    return str(answer.json["id"])


def start(staff: FlaskClient, broadcast_id: str, expected: int, *, key: str | None = None) -> Any:
    headers = {"Idempotency-Key": key or str(uuid4())}
    return staff.post(f"/admin/v1/broadcasts/{broadcast_id}/start", json={"expected": expected}, headers=headers)


def prepare(now: datetime | None = None) -> None:
    while work.work_off(now or clock.now()):
        pass


def test_broadcast_is_written_looked_at_started_and_told_about(scene: Scene, staff: FlaskClient) -> None:
    broadcast_id = created(staff, body(scene, scene.customers(3)))
    before = staff.get(f"/admin/v1/broadcasts/{broadcast_id}").json
    assert (before["status"], before["members"], before["counts"]) == ("draft", 3, {})
    assert "state" not in before

    assert start(staff, broadcast_id, 3).json["status"] == "preparing"
    prepare()

    after = staff.get(f"/admin/v1/broadcasts/{broadcast_id}").json
    assert (after["status"], after["counts"], after["expected"]) == ("done", {"sent": 3}, 3)
    listed = staff.get("/admin/v1/broadcasts").json["items"]
    assert [one["id"] for one in listed] == [broadcast_id]


def test_start_that_is_sent_again_starts_once(scene: Scene, staff: FlaskClient) -> None:
    broadcast_id, key = created(staff, body(scene, scene.customers(2))), str(uuid4())

    answers = [start(staff, broadcast_id, 2, key=key) for _ in range(2)]
    another = start(staff, broadcast_id, 2)
    prepare()

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json == answers[1].json
    assert (another.status_code, another.json["code"]) == (409, "broadcast_started")
    assert len(sent()) == 2


def test_start_needs_a_key(scene: Scene, staff: FlaskClient) -> None:
    broadcast_id = created(staff, body(scene, scene.customers(1)))

    answer = staff.post(f"/admin/v1/broadcasts/{broadcast_id}/start", json={"expected": 1})

    assert (answer.status_code, answer.json["code"]) == (400, "idempotency_key_missing")


@pytest.mark.parametrize(("members", "code"), [(12, None), (13, "broadcast_audience_grew")])
def test_segment_that_grew_by_more_than_a_fifth_is_looked_at_again(
    scene: Scene, staff: FlaskClient, members: int, code: str | None
) -> None:
    given = body(scene, scene.customers(10))
    broadcast_id = created(staff, given)
    add(UUID(given["segment_id"]), scene.customers(members - 10), now=scene.now)

    answer = start(staff, broadcast_id, 10)

    assert answer.json.get("code") == code
    if code:
        assert (answer.status_code, answer.json["expected"], answer.json["members"]) == (409, 10, 13)
        prepare()
        assert sent() == []


def test_segment_that_is_still_being_built_cannot_be_written_to(scene: Scene, staff: FlaskClient) -> None:
    given = body(scene, scene.customers(1))
    broadcast_id = created(staff, given)
    with transaction() as session:
        session.execute(update(Segment).where(Segment.id == UUID(given["segment_id"])).values(status="building"))

    assert staff.get(f"/admin/v1/broadcasts/{broadcast_id}").json["members"] is None
    assert start(staff, broadcast_id, 1).json["code"] == "segment_not_ready"


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"segment_id": str(ids.new())}, "/segment_id"),
        ({"campaign_id": str(ids.new())}, "/campaign_id"),
        ({"template": SAYS_CODE}, "/campaign_id"),
        ({"template": None}, "/template"),
        ({"template_id": str(ids.new())}, "/template"),
        ({"template": None, "template_id": str(ids.new())}, "/template_id"),
        ({"channels": []}, "/channels"),
        ({"channels": ["sms", "sms"]}, "/channels"),
        ({"channels": ["fax"]}, "/channels"),
        ({"channels": ["email"]}, "/template"),
        ({"quiet": "loud"}, "/quiet"),
        ({"starts_at": "9999-12-31T23:59:59Z"}, "/starts_at"),
        ({"local_time": "25:00"}, "/local_time"),
        ({"local_time": "09:00", "per_minute": 5}, "/per_minute"),
        ({"template": {"default_locale": "en", "sms": {"en": {"body": "{{ event.total }}"}}}}, "/template/sms/en/body"),
        ({"template": {"default_locale": "en", "sms": {"en": {"body": "{% if %}"}}}}, "/template/sms/en/body"),
    ],
)
def test_fault_is_named_where_it_stands_and_leaves_no_trace(
    scene: Scene, staff: FlaskClient, changed: dict[str, Any], pointer: str
) -> None:
    answer = staff.post("/admin/v1/broadcasts", json=body(scene, [], **changed))

    assert answer.status_code == 422
    assert answer.json["code"] in ("broadcast_invalid", "invalid_input")
    assert [fault["pointer"] for fault in answer.json["errors"]] == [pointer]
    assert staff.get("/admin/v1/broadcasts").json["items"] == []


@pytest.mark.parametrize(
    "changed",
    [{"per_minute": 0}, {"per_minute": 1_000_001}, {"holdout_bps": 5_001}, {"holdout_bps": -1}, {"name": ""},
     {"purpose": "sign_in"}, {"starts_at": "soon"}, {"unknown": 1}],
)  # fmt: skip
def test_value_out_of_bounds_is_refused(scene: Scene, staff: FlaskClient, changed: dict[str, Any]) -> None:
    assert staff.post("/admin/v1/broadcasts", json=body(scene, [], **changed)).status_code == 422


def test_draft_is_changed_and_a_started_one_is_not(scene: Scene, staff: FlaskClient) -> None:
    broadcast_id = created(staff, body(scene, scene.customers(1)))
    url = f"/admin/v1/broadcasts/{broadcast_id}"

    changed = staff.patch(url, json={"name": "Winter thanks", "per_minute": 100})
    start(staff, broadcast_id, 1)
    late = staff.patch(url, json={"name": "Spring thanks"})

    assert (changed.json["name"], changed.json["per_minute"], changed.json["template"]) == ("Winter thanks", 100, SAYS)
    assert (late.status_code, late.json["code"]) == (409, "broadcast_started")


def test_cancelled_twice_is_cancelled_once_and_what_is_over_is_not(scene: Scene, staff: FlaskClient) -> None:
    draft_id, over_id = (created(staff, body(scene, scene.customers(1, consent=consent))) for consent in (["sms"], []))
    start(staff, over_id, 1)
    prepare()

    twice = [staff.put(f"/admin/v1/broadcasts/{draft_id}/cancellation") for _ in range(2)]
    over = staff.put(f"/admin/v1/broadcasts/{over_id}/cancellation")

    assert [answer.json["status"] for answer in twice] == ["cancelled", "cancelled"]
    assert twice[0].json["ended_at"] == twice[1].json["ended_at"]
    assert (over.status_code, over.json["code"]) == (409, "broadcast_over")
    assert start(staff, draft_id, 1).json["code"] == "broadcast_started"


def test_trial_reaches_who_is_named_and_issues_nothing(scene: Scene, staff: FlaskClient) -> None:
    colleague, silent = scene.customers(1)[0], scene.customers(1, consent=())[0]
    given = body(scene, scene.customers(2), campaign_id=str(scene.coupon()), template=SAYS_CODE)
    broadcast_id, key = created(staff, given), {"Idempotency-Key": str(uuid4())}
    asked = {"customer_ids": [str(colleague), str(silent)]}

    tried = [staff.post(f"/admin/v1/broadcasts/{broadcast_id}/tests", json=asked, headers=key) for _ in range(2)]

    assert [answer.status_code for answer in tried] == [201, 201]
    by_customer = {one["customer_id"]: one for one in tried[0].json["items"]}
    assert by_customer[str(colleague)]["outcome"] == "sent"
    assert by_customer[str(silent)]["reasons"][0]["code"] == "no_consent"
    ((_, _, content),) = sent()
    assert content["body"].startswith("Your code: ")
    assert (vouchers_of(colleague), vouchers_of(silent)) == ([], [])


def test_trial_names_customers_that_are_there_and_few_of_them(scene: Scene, staff: FlaskClient) -> None:
    broadcast_id, key = created(staff, body(scene, [])), {"Idempotency-Key": str(uuid4())}
    url = f"/admin/v1/broadcasts/{broadcast_id}/tests"

    assert staff.post(url, json={"customer_ids": [str(ids.new())]}, headers=key).status_code == 404
    many = {"customer_ids": [str(ids.new()) for _ in range(6)]}
    assert staff.post(url, json=many, headers=key).status_code == 422
    assert staff.post(url, json={"customer_ids": []}, headers=key).status_code == 422


def test_broadcast_that_is_not_there_is_not_found(staff: FlaskClient) -> None:
    url = f"/admin/v1/broadcasts/{ids.new()}"

    assert staff.get(url).status_code == 404
    assert staff.patch(url, json={"name": "Nothing"}).status_code == 404
    assert staff.put(f"{url}/cancellation").status_code == 404
    assert start(staff, url.rpartition("/")[2], 1).status_code == 404


def test_who_may_write_may_not_send(scene: Scene, open_for: Open) -> None:
    writer = open_for(Principal("staff", ids.new(), permissions=frozenset({"broadcasts.read", "broadcasts.write"})))
    broadcast_id = created(writer, body(scene, scene.customers(1)))

    assert start(writer, broadcast_id, 1).status_code == 403
    assert writer.put(f"/admin/v1/broadcasts/{broadcast_id}/cancellation").status_code == 403
