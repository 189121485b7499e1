"""Rewards over HTTP: from a campaign that staff set up to a basket that a till takes."""

import io
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import zxingcpp
from flask import Flask
from PIL import Image
from werkzeug.test import TestResponse

from auth import customer_codes, customers, merchants, tokens
from core import clock, ids
from core.db import transaction
from core.web.principals import Principal
from tests.rewards.conftest import fill

BASKET = {"lines": [{"sku": "milk", "category": "DAIRY", "quantity": "2", "amount_minor": 2_000}]}


@dataclass
class Door:
    """A client with a token in its hand."""

    app: Flask
    prefix: str
    audience: str
    principal: Principal
    headers: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        token = tokens.mint(self.principal, audience=self.audience, client_id="test", now=clock.now())
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.app.test_client().get(self.prefix + path, headers=self.headers | headers)

    def post(self, path: str, body: Any, key: str | None = None) -> TestResponse:
        headers = {**self.headers, "Idempotency-Key": key or str(ids.new())}
        return self.app.test_client().post(self.prefix + path, json=body, headers=headers)

    def put(self, path: str, body: Any) -> TestResponse:
        return self.app.test_client().put(self.prefix + path, json=body, headers=self.headers)


@pytest.fixture
def customer(app: Flask) -> Door:
    with transaction() as session:
        known = customers.sign_up(session, phone="+12025550143", locale=None, time_zone=None, now=clock.now())
        fill(session, known.id, 10_000)
    return Door(app, "/app/v1", tokens.APP, Principal("customer", known.id))


@pytest.fixture
def till(app: Flask) -> Door:
    with transaction() as session:
        merchant = merchants.add_merchant(session, name="Corner Shop", now=clock.now())
        store = merchants.add_store(session, merchant_id=merchant.id, name="Main Street", now=clock.now())
    principal = Principal("terminal", ids.new(), merchant_id=merchant.id, store_id=store.id)
    return Door(app, "/merchant/v1", tokens.MERCHANT, principal)


@pytest.fixture
def staff(app: Flask) -> Door:
    permissions = frozenset({"campaigns.read", "campaigns.write"})
    return Door(app, "/admin/v1", tokens.ADMIN, Principal("staff", ids.new(), permissions=permissions))


def campaign(**changes: Any) -> dict[str, Any]:
    now = clock.now()
    given = {
        "name": "Five off",
        "kind": "coupon",
        "discount": {"kind": "amount", "amount_minor": 500},
        "currency": "USD",
        "starts_at": (now - timedelta(days=1)).isoformat(),
        "ends_at": (now + timedelta(days=1)).isoformat(),
        "budget_minor": 10_000,
        "holdout_bps": 0,
    }
    return given | changes


def running(staff: Door, **changes: Any) -> str:
    made = staff.post("/campaigns", campaign(**changes))
    assert made.status_code == 201, made.json
    assert staff.put(f"/campaigns/{made.json['id']}/status", {"status": "running"}).json["status"] == "running"
    return str(made.json["id"])


def given(staff: Door, campaign_id: str, customer: Door) -> str:
    made = staff.post(f"/campaigns/{campaign_id}/vouchers", {"customer_id": str(customer.principal.id)})
    assert (made.status_code, made.json["code"]) == (201, None)
    return str(made.json["id"])


def checkout(customer: Door, **changes: Any) -> dict[str, Any]:
    with transaction() as session:
        code = customer_codes.current(session, customer.principal.id, now=clock.now())
    asked = {"customer_code": code, "basket": BASKET, "currency": "USD", "till_reference": str(ids.new())}
    return asked | changes


def test_coupon_goes_from_staff_to_customer_to_till(staff: Door, customer: Door, till: Door) -> None:
    campaign_id = running(staff)
    voucher_id = given(staff, campaign_id, customer)

    [listed] = customer.get("/vouchers?state=active").json["items"]
    shown = customer.get(f"/vouchers/{voucher_id}").json
    taken = till.post("/checkouts", checkout(customer, vouchers=[shown["code"]]))

    assert (listed["id"], listed["uses_left"], "code" in listed) == (voucher_id, 1, False)
    assert taken.status_code == 201, taken.json
    minor = {name: taken.json[name]["amount_minor"] for name in ("total", "discount", "gift", "paid")}
    assert minor == {"total": 2_000, "discount": 500, "gift": 0, "paid": 1_500}
    assert taken.json["redemptions"][0]["voucher_id"] == voucher_id
    assert customer.get(f"/vouchers/{voucher_id}").json["state"] == "used_up"
    result = staff.get(f"/campaigns/{campaign_id}").json
    assert (result["budget_left"]["amount_minor"], result["issued"], result["redemptions"]) == (9_500, 1, 1)


def test_gift_card_and_apply_best(staff: Door, customer: Door, till: Door) -> None:
    card = running(staff, kind="gift_card", discount={"kind": "value", "amount_minor": 2_500})
    voucher_id = given(staff, card, customer)

    taken = till.post("/checkouts", checkout(customer, apply_best=True))

    assert (taken.json["gift"]["amount_minor"], taken.json["paid"]["amount_minor"]) == (2_000, 0)
    assert customer.get(f"/vouchers/{voucher_id}").json["value"] == {"amount_minor": 500, "currency": "USD"}


def test_generic_code_is_redeemed_by_itself(staff: Door, till: Door) -> None:
    campaign_id = running(staff, limit_total=1)
    made = staff.post(f"/campaigns/{campaign_id}/vouchers", {"code": "spring10"}).json
    asked = {"code": made["code"], "basket": BASKET, "currency": "USD", "till_reference": "1"}

    first, again = till.post("/redemptions", asked, "k"), till.post("/redemptions", asked, "k")
    refused = till.post("/redemptions", {**asked, "till_reference": "2"})

    assert made["code"] == "SPRING10"
    assert (first.status_code, first.json["amount"]) == (201, {"amount_minor": 500, "currency": "USD"})
    assert (again.json, again.headers["Idempotency-Replayed"]) == (first.json, "true")
    assert (refused.status_code, refused.json["code"], refused.json["limit"]) == (422, "limit_reached", 1)
    assert staff.post(f"/campaigns/{campaign_id}/vouchers", {"code": "SPR1NG-1O"}).json["code"] == "voucher_code_taken"


def test_declined_basket_stays_declined_under_its_key(staff: Door, customer: Door, till: Door) -> None:
    asked = checkout(customer, basket={"lines": [{"sku": "tv", "quantity": "1", "amount_minor": 10_001}]})

    first = till.post("/checkouts", asked, "k")
    with transaction() as session:
        fill(session, customer.principal.id, 5_000)
    again = till.post("/checkouts", asked, "k")

    assert (first.status_code, first.json["code"]) == (422, "insufficient_funds")
    assert (again.status_code, again.json) == (422, first.json)
    # The customer's code was not burnt by what did not happen.
    assert till.post("/checkouts", asked, "another key").status_code == 201


def test_customer_code_works_once(customer: Door, till: Door) -> None:
    asked = checkout(customer)

    assert till.post("/checkouts", asked).status_code == 201
    assert till.post("/checkouts", {**asked, "till_reference": "other"}).json["code"] == "customer_code_refused"


def test_qr_reads_as_the_code_and_is_sent_again_only_where_that_has_changed(staff: Door, customer: Door) -> None:
    voucher_id = given(staff, running(staff), customer)

    drawn = customer.get(f"/vouchers/{voucher_id}/qr.png")
    again = customer.get(f"/vouchers/{voucher_id}/qr.png", **{"If-None-Match": drawn.headers["ETag"]})

    [read] = zxingcpp.read_barcodes(Image.open(io.BytesIO(drawn.data)))
    assert read.text == customer.get(f"/vouchers/{voucher_id}").json["code"].replace("-", "")
    assert drawn.headers["Cache-Control"] == "private, no-cache"
    assert (again.status_code, again.data) == (304, b"")


def test_strangers_see_no_voucher(app: Flask, staff: Door, customer: Door) -> None:
    voucher_id = given(staff, running(staff), customer)
    stranger = Door(app, "/app/v1", tokens.APP, Principal("customer", ids.new()))

    for path in ("", "/qr.png"):
        assert stranger.get(f"/vouchers/{voucher_id}{path}").status_code == 404
    assert stranger.get("/vouchers").json == {"items": [], "next_cursor": None}


def test_pages_follow_each_other(staff: Door, customer: Door) -> None:
    campaigns = [running(staff) for _ in range(3)]
    vouchers = [given(staff, campaign_id, customer) for campaign_id in campaigns]

    for door, path, newest in ((staff, "/campaigns", campaigns[::-1]), (customer, "/vouchers", vouchers[::-1])):
        first = door.get(f"{path}?limit=2").json
        second = door.get(f"{path}?limit=2&cursor={first['next_cursor']}").json
        assert [each["id"] for each in (*first["items"], *second["items"])] == newest
        assert second["next_cursor"] is None
        assert door.get(f"{path}?cursor=nonsense").status_code == 422


def test_campaigns_need_permissions(app: Flask, staff: Door) -> None:
    reader = Door(app, "/admin/v1", tokens.ADMIN, Principal("staff", ids.new(), frozenset({"campaigns.read"})))

    assert reader.get("/campaigns").status_code == 200
    assert reader.post("/campaigns", campaign()).status_code == 403


def test_funding_moves_once_for_its_key(staff: Door) -> None:
    campaign_id = running(staff)

    answers = [staff.post(f"/campaigns/{campaign_id}/funding", {"amount_minor": 5}, "k") for _ in range(2)]

    assert [answer.json["budget_left"]["amount_minor"] for answer in answers] == [10_005, 10_005]


def test_same_source_gives_the_same_voucher(staff: Door, customer: Door) -> None:
    campaign_id = running(staff, limit_per_customer=None)
    asked = {"customer_id": str(customer.principal.id), "source": "complaint-7"}

    made = [staff.post(f"/campaigns/{campaign_id}/vouchers", asked).json["id"] for _ in range(2)]

    assert len(set(made)) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"code": None},
        {"voucher_id": str(UUID(int=1))},
        {"currency": "usd"},
        {"till_reference": ""},
        {"basket": {"lines": []}},
        {"basket": {"lines": [BASKET["lines"][0] | {"amount_minor": -1}]}},
        {"basket": {"lines": [BASKET["lines"][0] | {"quantity": "1e9"}]}},
        {"basket": {"lines": [BASKET["lines"][0] | {"amount_minor": 2**53 - 1}] * 2}},
    ],
)
def test_input_that_makes_no_sense_is_a_problem(till: Door, changes: dict[str, Any]) -> None:
    answer = till.post(
        "/redemptions", {"code": "A", "basket": BASKET, "currency": "USD", "till_reference": "1"} | changes
    )

    assert (answer.status_code, answer.json["code"]) == (422, "invalid_input")


def test_chosen_codes_are_for_generic_coupons_alone(staff: Door, customer: Door) -> None:
    card = running(staff, kind="gift_card", discount={"kind": "value", "amount_minor": 5})
    coupon = running(staff)

    for campaign_id, body in (
        (card, {"code": "SPRING10"}),
        (coupon, {"code": "SPRING10", "customer_id": str(customer.principal.id)}),
        (coupon, {"code": "SPR!NG10"}),
    ):
        assert staff.post(f"/campaigns/{campaign_id}/vouchers", body).json["code"] == "invalid_input"


def test_voucher_for_nobody_we_know_is_not_found(staff: Door) -> None:
    answer = staff.post(f"/campaigns/{running(staff)}/vouchers", {"customer_id": str(ids.new())})

    assert answer.status_code == 404
