"""What staff ask over HTTP."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

import insights.api.staff
from auth import emails
from auth.models import Customer
from core import ids
from core.db import transaction
from core.settings import Settings
from core.web import doors, problems, requests
from core.web.doors import Door
from core.web.principals import Principal
from tests.insights.log import a_customer, campaign, order, play, track

PERMISSIONS = frozenset({"customers.read", "insights.read"})


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
                blueprints=[insights.api.staff.blueprint],
            )
        ],
    )
    return app.test_client()


@pytest.mark.usefixtures("database")
def test_each_view_needs_its_permission(settings: Settings) -> None:
    nobody = _door(settings, frozenset())
    customer_id = a_customer()

    for path in (
        "customers?phone=%2B12125550142",
        f"customers/{customer_id}/profile",
        f"customers/{customer_id}/timeline",
        "insights/summary?since=2026-11-20T00:00:00Z&until=2026-11-21T00:00:00Z",
    ):
        assert nobody.get(f"/admin/v1/{path}").status_code == 403


def test_customer_is_found_by_phone_number(staff: FlaskClient) -> None:
    customer_id = a_customer("+12125550142")

    found = staff.get("/admin/v1/customers", query_string={"phone": "+1 (212) 555-0142"})
    none = staff.get("/admin/v1/customers", query_string={"phone": "+12125550143"})

    assert found.json == {"items": [{"id": str(customer_id)}], "next_cursor": None}
    assert none.json == {"items": [], "next_cursor": None}


def test_customer_is_found_by_an_address_that_they_proved(staff: FlaskClient) -> None:
    customer_id, typed = a_customer("+12125550142"), a_customer("+12125550143")
    with transaction() as session:
        for one, address in ((customer_id, "ada@example.com"), (typed, "eve@example.com")):
            row = session.get_one(Customer, one)
            row.email, row.email_index = emails.sealed(session, one, address), emails.index_of(address)
        session.get_one(Customer, customer_id).email_verified_at = row.created_at

    def find(**asked: str) -> Any:
        return staff.get("/admin/v1/customers", query_string=asked)

    assert find(email="Ada@Example.com").json == {"items": [{"id": str(customer_id)}], "next_cursor": None}
    assert find(email="eve@example.com").json["items"] == []
    assert (find(email="nobody").status_code, find(email="nobody").json["code"]) == (422, "email_invalid")
    for asked in ({}, {"phone": "+12125550142", "email": "ada@example.com"}):
        assert find(**asked).status_code == 422


def test_profile_tells_first_touch_orders_and_revenue(staff: FlaskClient) -> None:
    customer_id = a_customer()
    play(track(customer_id, context=campaign("newsletter")), order(customer_id, minutes=1))

    answer = staff.get(f"/admin/v1/customers/{customer_id}/profile").json

    assert answer == {
        "customer_id": str(customer_id),
        "phase": "purchase",
        "first_seen_at": "2026-11-20T11:00:00Z",
        "last_seen_at": "2026-11-20T12:01:00Z",
        "first_touch": {
            "at": "2026-11-20T12:00:00Z",
            "source": "newsletter",
            "medium": "email",
            "campaign": "autumn",
        },
        "orders": 1,
        "first_order_at": "2026-11-20T12:01:00Z",
        "last_order_at": "2026-11-20T12:01:00Z",
        "revenue": [{"currency": "USD", "ordered_minor": 1000, "refunded_minor": 0, "net_minor": 1000}],
        "traits": {},
    }


@pytest.mark.parametrize("page", ["profile", "timeline"])
def test_stranger_is_404(staff: FlaskClient, page: str) -> None:
    assert staff.get(f"/admin/v1/customers/{ids.new()}/{page}").status_code == 404


def test_timeline_goes_page_by_page(staff: FlaskClient) -> None:
    customer_id = a_customer()
    play(*[track(customer_id, minutes=minutes) for minutes in range(4)])

    assert _pages(staff, customer_id) == [2, 2, 1]


def _pages(staff: FlaskClient, customer_id: UUID) -> list[int]:
    sizes, cursor = [], None
    while True:
        page = staff.get(
            f"/admin/v1/customers/{customer_id}/timeline",
            query_string={"limit": 2, **({"cursor": cursor} if cursor else {})},
        ).json
        assert page is not None
        sizes.append(len(page["items"]))
        cursor = page["next_cursor"]
        if cursor is None:
            return sizes


def test_timeline_of_some_events(staff: FlaskClient) -> None:
    customer_id = a_customer()
    play(track(customer_id), order(customer_id))

    page = staff.get(f"/admin/v1/customers/{customer_id}/timeline?names=order.completed&names=customer.signed_up").json

    assert page is not None
    assert [item["name"] for item in page["items"]] == ["order.completed", "customer.signed_up"]


@pytest.mark.parametrize(
    "query",
    [
        "cursor=nonsense",
        "cursor=WyIxIiwgIjIiXQ",
        "limit=0",
        "limit=201",
        "names=" + "x" * 65,
    ],
)
def test_bad_timeline_arguments_are_422(staff: FlaskClient, query: str) -> None:
    assert staff.get(f"/admin/v1/customers/{a_customer()}/timeline?{query}").status_code == 422


def test_summary_is_money_and_counts(staff: FlaskClient) -> None:
    play(order(a_customer(), total_minor=1_234))

    answer = staff.get("/admin/v1/insights/summary?since=2026-11-20T00:00:00Z&until=2026-11-21T00:00:00Z").json

    assert answer is not None
    assert answer["sales"]["sales"] == {"amount_minor": 1_234, "currency": "USD"}
    assert [(day["day"], day["orders"]) for day in answer["days"]] == [("2026-11-20", 1)]
    assert answer["ledger"]["payable"] == {"amount_minor": 0, "currency": "USD"}
    assert answer["funnel"] == {"discovery": 0, "consideration": 0, "purchase": 1, "retention": 0}


@pytest.mark.parametrize(
    "query",
    [
        "",
        "since=2026-11-20T00:00:00Z",
        "since=2026-11-20T00:00:00Z&until=2026-11-20T00:00:00Z",
        "since=2026-11-20T00:00:00&until=2026-11-21T00:00:00Z",
        "since=2026-11-20T00:00:00Z&until=2026-11-21T00:00:00Z&currency=usd",
        "since=0001-01-01T00:00:00%2B14:00&until=2026-11-21T00:00:00Z",
        "since=2026-11-20T00:00:00Z&until=9999-12-31T23:59:59-14:00",
    ],
)
def test_bad_summary_arguments_are_422(staff: FlaskClient, query: str) -> None:
    assert staff.get(f"/admin/v1/insights/summary?{query}").status_code == 422
