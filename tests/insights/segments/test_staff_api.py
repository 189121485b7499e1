"""Segments over HTTP."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

import insights.segments.api.staff
from core import clock, ids
from core.settings import Settings
from core.web import doors, problems, requests
from core.web.doors import Door
from core.web.principals import Principal
from insights.segments import previewing
from insights.streams import asking
from tests.insights.log import a_customer, identify, order, play, track
from tests.insights.segments.world import build

PERMISSIONS = frozenset({"segments.read", "segments.write"})
ONCE = {"event": "order.completed"}


@pytest.fixture
def staff(database: None, settings: Settings) -> FlaskClient:
    return _door(settings, PERMISSIONS)


def _door(settings: Settings, permissions: frozenset[str]) -> FlaskClient:
    app = Flask("staff", static_folder=None)
    app.extensions["settings"] = settings
    problems.register(app)
    requests.register(app)
    someone = Principal("staff", ids.new(), permissions=permissions)
    doors.open_doors(
        app,
        [
            Door(
                name="staff",
                document="admin",
                title="Staff",
                prefix="/admin/v1",
                guard=lambda: someone,
                needs_permissions=True,
                blueprints=[insights.segments.api.staff.blueprint],
            )
        ],
    )
    return app.test_client()


def created(staff: FlaskClient, condition: Any = ONCE, key: str = "once") -> dict[str, Any]:
    answer = staff.post("/admin/v1/segments", json={"key": key, "name": "Once", "condition": condition})
    assert answer.status_code == 201, answer.json
    found: dict[str, Any] = answer.json
    return found


def test_a_segment_is_saved_built_changed_and_archived(staff: FlaskClient) -> None:
    customer_id = a_customer()
    play(order(customer_id))
    segment = created(staff)
    path = f"/admin/v1/segments/{segment['id']}"

    building = staff.get(path).json
    build(clock.now())
    live = staff.get(path).json
    members = staff.get(f"{path}/members").json
    changed = staff.put(path, json={"name": "Twice", "condition": {"not": ONCE}, "revision": 1}).json
    gone = staff.delete(path).status_code

    assert (segment["status"], segment["revision"], segment["members"]) == ("building", 1, None)
    assert (building["built_share"], building["members"]) == (0.0, 0)
    assert (live["status"], live["built_share"], live["members"], live["used_by"]) == ("live", 1.0, 1, [])
    assert [each["customer_id"] for each in members["items"]] == [str(customer_id)]
    assert (changed["status"], changed["revision"], changed["name"]) == ("building", 2, "Twice")
    assert (gone, staff.get(path).status_code) == (204, 404)
    assert staff.get("/admin/v1/segments").json["items"] == []


def test_lists_go_page_by_page(staff: FlaskClient) -> None:
    people = [a_customer(f"+1212555{1000 + place}") for place in range(5)]
    play(*[order(customer_id) for customer_id in people])
    segments = [created(staff, key=key) for key in ("a", "b", "c")]
    build(clock.now())

    listed, found = [], []
    for path, into in (("/admin/v1/segments", listed), (f"/admin/v1/segments/{segments[0]['id']}/members", found)):
        cursor = ""
        while cursor is not None:
            page = staff.get(f"{path}?limit=2&cursor={cursor}").json
            into += page["items"]
            cursor = page["next_cursor"]

    assert [each["key"] for each in listed] == ["c", "b", "a"]
    assert sorted(each["customer_id"] for each in found) == sorted(map(str, people))


def test_why_a_customer_is_in_is_told_condition_by_condition(staff: FlaskClient) -> None:
    customer_id, stranger = a_customer(), a_customer("+12125550143")
    condition = {
        "all": [
            {"event": "order.completed", "is": "at_least", "value": 2, "within_days": 90},
            {"trait": "plan", "is": "equals", "value": "gold"},
        ]
    }
    segment = created(staff, condition)
    build(clock.now())
    play(identify(customer_id, traits={"plan": "gold"}), order(customer_id))

    of_customer = f"/admin/v1/customers/{customer_id}/segments"
    told = staff.get(f"{of_customer}/{segment['id']}").json
    listed = staff.get(of_customer).json
    unknown = staff.get(f"/admin/v1/customers/{stranger}/segments/{segment['id']}").json

    assert (told["key"], told["is_in"], told["since"], listed["items"]) == ("once", False, None, [])
    assert told["reason"] == {
        "is_met": False,
        "all": [
            {
                "is_met": False,
                "event": "order.completed",
                "count": True,
                "within_days": 90,
                "is": "at_least",
                "needed": 2,
                "actual": 1,
                "says": "The number of “order.completed” in the last 90 days is 1; asked for: 2 or more.",
            },
            {
                "is_met": True,
                "trait": "plan",
                "is": "equals",
                "needed": "gold",
                "actual": "gold",
                "says": "The trait “plan” is gold; asked for: “gold”.",
            },
        ],
    }
    assert unknown["reason"]["is_met"] is False


def test_counting_is_exact_where_everything_is_counted_already(staff: FlaskClient) -> None:
    people = [a_customer(f"+1212555{1000 + place}") for place in range(6)]
    play(*[order(customer_id) for customer_id in people[:2]], *[identify(each) for each in people])

    counted = staff.post("/admin/v1/segments/counts", json={"condition": ONCE}).json
    never = staff.post("/admin/v1/segments/counts", json={"condition": {"event": "app.opened"}}).json

    assert counted == {"members": 2, "customers": 6, "is_exact": True, "low": 2, "high": 2, "sampled": 6}
    assert (never["members"], never["is_exact"]) == (0, True)


def test_counting_what_is_not_counted_yet_is_estimated_by_a_sample(
    staff: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all 64 slots the sample is everybody, and the estimate exact."""
    people = [a_customer(f"+1212555{1000 + place}") for place in range(12)]
    play(*[order(each, total_minor=100 + place) for place, each in enumerate(people)], *map(order, people[:3]))
    where = {"field": "total_minor", "is": "at_least", "value": 106}
    condition = {"any": [{**ONCE, "where": where, "is": "at_least", "value": 1}, {**ONCE, "is": "equals", "value": 9}]}

    some = staff.post("/admin/v1/segments/counts", json={"condition": condition}).json
    monkeypatch.setattr(previewing, "_SAMPLED_SLOTS", tuple(range(64)))
    everybody = staff.post("/admin/v1/segments/counts", json={"condition": condition}).json

    assert (some["customers"], some["is_exact"]) == (12, False)
    assert some["low"] <= 9 <= some["high"]
    assert everybody == {"members": 9, "customers": 12, "is_exact": True, "low": 9, "high": 9, "sampled": 12}
    assert staff.get("/admin/v1/segments").json["items"] == []


def test_a_sample_knows_names_that_are_longer_than_what_is_kept_of_them(
    staff: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previewing, "_SAMPLED_SLOTS", tuple(range(64)))
    name, other = "n" * 200 + "o" * 55, a_customer("+12125550143")
    play(track(a_customer(), event=name), track(other, event="Else"))
    condition = {
        "event": "outside.track",
        "named": name[:200],
        "where": {"field": "type", "is": "equals", "value": "track"},
    }

    counted = staff.post("/admin/v1/segments/counts", json={"condition": condition}).json

    assert (counted["members"], counted["customers"]) == (1, 2)


def test_more_than_there_is_room_for_is_409(staff: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "MOST_ASKED", 0)
    condition = {**ONCE, "where": {"field": "total_minor", "is": "at_least", "value": 1}}

    answer = staff.post("/admin/v1/segments", json={"key": "big", "name": "Big", "condition": condition})

    assert (answer.status_code, answer.json["code"]) == (409, "too_much_counted")
    assert "may be 0: 1 more have no room" in answer.json["detail"]
    assert staff.get("/admin/v1/segments").json["items"] == []


def test_what_takes_too_long_is_refused(staff: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: Any) -> Any:
        return "pg_sleep(2) IS NOT NULL"

    monkeypatch.setattr(previewing, "_LONGEST_SECONDS", 1)
    monkeypatch.setattr("insights.segments.words.sql", slow)
    play(order(a_customer()))

    answer = staff.post("/admin/v1/segments/counts", json={"condition": {"trait": "a", "is": "present"}})

    assert (answer.status_code, answer.json["code"]) == (422, "segment_too_costly")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"key": "x", "name": "X", "condition": {"event": "order.complete"}}, "segment_invalid"),
        ({"key": "X", "name": "X", "condition": ONCE}, "segment_invalid"),
        ({"key": "x", "name": "", "condition": ONCE}, "invalid_input"),
        ({"key": "x", "name": "two\nlines", "condition": ONCE}, "invalid_input"),
        ({"key": "x", "name": "X"}, "invalid_input"),
        ({"key": "x", "name": "X", "condition": []}, "invalid_input"),
        ({"key": "x", "name": "X", "condition": {"trait": "a\u0000", "is": "equals", "value": "b"}}, None),
        ({"key": "x", "name": "X", "condition": {"trait": "a", "is": "equals", "value": "b\u0000"}}, None),
        ({"key": "x", "name": "X", "condition": {"trait": "a", "is": "equals", "value": "\ud800"}}, None),
        ({"key": "x", "name": "X", "condition": {"event": "order.completed", "is": "equals", "value": 10**400}}, None),
    ],
)
def test_bad_input_is_refused_and_leaves_no_trace(staff: FlaskClient, body: dict[str, Any], code: str | None) -> None:
    answer = staff.post("/admin/v1/segments", json=body)

    assert answer.status_code in (400, 422)
    assert code in (None, answer.json["code"])
    assert staff.get("/admin/v1/segments").json["items"] == []


def test_strangers_are_404(staff: FlaskClient) -> None:
    segment, nobody = created(staff), ids.new()
    change = {"name": "X", "condition": ONCE, "revision": 1}

    answers = [
        staff.get(f"/admin/v1/segments/{nobody}"),
        staff.put(f"/admin/v1/segments/{nobody}", json=change),
        staff.delete(f"/admin/v1/segments/{nobody}"),
        staff.get(f"/admin/v1/segments/{nobody}/members"),
        staff.get(f"/admin/v1/customers/{nobody}/segments"),
        staff.get(f"/admin/v1/customers/{nobody}/segments/{segment['id']}"),
        staff.get(f"/admin/v1/customers/{a_customer()}/segments/{nobody}"),
    ]

    assert [(each.status_code, each.json["code"]) for each in answers] == [(404, "not_found")] * 7


def test_a_stale_revision_and_a_taken_key_are_409(staff: FlaskClient) -> None:
    segment = created(staff)

    stale = staff.put(f"/admin/v1/segments/{segment['id']}", json={"name": "X", "condition": ONCE, "revision": 0})
    taken = staff.post("/admin/v1/segments", json={"key": "once", "name": "X", "condition": ONCE})

    assert (stale.status_code, stale.json["code"]) == (409, "segment_changed")
    assert (taken.status_code, taken.json["code"]) == (409, "segment_key_taken")


@pytest.mark.parametrize("cursor", ["nonsense", "WyJhIiwgImIiXQ", "WyIxIl0"])
def test_bad_cursors_are_422(staff: FlaskClient, cursor: str) -> None:
    segment = created(staff)

    answer = staff.get(f"/admin/v1/segments/{segment['id']}/members?cursor={cursor}")

    assert (answer.status_code, answer.json["code"]) == (422, "cursor_invalid")


@pytest.mark.usefixtures("database")
def test_reading_is_not_writing(settings: Settings) -> None:
    reader = _door(settings, frozenset({"segments.read"}))

    assert reader.post("/admin/v1/segments", json={"key": "x", "name": "X", "condition": ONCE}).status_code == 403
    assert reader.get("/admin/v1/segments").status_code == 200
