"""Staff see which visitors count as a customer, and undo what was wrong."""

import pytest
from flask.testing import FlaskClient

from core import clock, db, ids
from core.settings import Settings
from insights.identities.api import staff as api
from tests.insights import doors
from tests.insights.log import NOON, a_customer, identify, play


@pytest.fixture
def staff(database: None, settings: Settings) -> FlaskClient:
    return doors.staff(settings, [api.blueprint], frozenset({"customers.read", "identities.write"}))


def test_links_come_by_pages_the_latest_first(staff: FlaskClient) -> None:
    customer_id = a_customer()
    for number in range(3):
        play(identify(customer_id, subject_id=f"anonymous:{number}", minutes=number))

    first = staff.get(f"/admin/v1/customers/{customer_id}/identities?limit=2").get_json()
    second = staff.get(f"/admin/v1/customers/{customer_id}/identities?limit=2&cursor={first['next_cursor']}").get_json()

    shown = [item["subject_id"] for page in (first, second) for item in page["items"]]
    assert shown == ["anonymous:2", "anonymous:1", "anonymous:0"]
    assert second["next_cursor"] is None
    assert set(first["items"][0]) == {
        *("id", "customer_id", "subject_id", "evidence", "status", "made_at", "undo_until", "undone_at", "undone_by"),
    }


def test_a_link_is_undone_once_and_audited(staff: FlaskClient) -> None:
    customer_id = a_customer()
    play(identify(customer_id, subject_id="anonymous:1"))
    [link] = staff.get(f"/admin/v1/customers/{customer_id}/identities").get_json()["items"]

    with clock.simulated(lambda: NOON):
        answers = [staff.put(f"/admin/v1/identity-links/{link['id']}/undo") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].get_json()["status"] == "undone"
    assert answers[0].get_json()["undone_by"].startswith("staff:")
    with db.transaction() as session:
        rows = db.connection_of(session).execute("SELECT action FROM core.audit_entry").fetchall()
    assert rows == [("identity.undo",)]


def test_too_late_and_unknown_links_are_refused(staff: FlaskClient) -> None:
    customer_id = a_customer()
    play(identify(customer_id, subject_id="anonymous:1"))
    [link] = staff.get(f"/admin/v1/customers/{customer_id}/identities").get_json()["items"]

    with clock.simulated(lambda: NOON.replace(year=2027)):
        late = staff.put(f"/admin/v1/identity-links/{link['id']}/undo")

    assert (late.status_code, late.get_json()["code"]) == (409, "undo_too_late")
    assert staff.put(f"/admin/v1/identity-links/{ids.new()}/undo").status_code == 404
    assert staff.get(f"/admin/v1/customers/{ids.new()}/identities").status_code == 404


def test_each_view_needs_its_permission(database: None, settings: Settings) -> None:
    customer_id = a_customer()
    nobody = doors.staff(settings, [api.blueprint], frozenset({"customers.write"}))

    assert nobody.get(f"/admin/v1/customers/{customer_id}/identities").status_code == 403
    assert nobody.put(f"/admin/v1/identity-links/{ids.new()}/undo").status_code == 403
