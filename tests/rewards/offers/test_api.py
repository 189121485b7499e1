"""Offers over HTTP: what the app, the till and staff may ask, and that asking changes nothing."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from auth import customer_codes, customers, merchants, tokens
from core import clock, ids
from core.db import connection_of, transaction
from core.web.principals import Principal
from tests.rewards.conftest import fill
from tests.rewards.test_api import BASKET, Door, given, running


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
    permissions = frozenset({"campaigns.read", "campaigns.write", "customers.read"})
    return Door(app, "/admin/v1", tokens.ADMIN, Principal("staff", ids.new(), permissions=permissions))


ASKED: dict[str, Any] = {"basket": BASKET, "currency": "USD"}


def code_of(staff: Door, campaign_id: str) -> str:
    """A code of the campaign that anybody may show."""
    return str(staff.post(f"/campaigns/{campaign_id}/vouchers", {}).json["code"])


def tables() -> list[Any]:
    with transaction() as session:
        return (
            connection_of(session)
            .execute(
                "SELECT (SELECT count(*) FROM core.event), (SELECT sum(used) FROM rewards.voucher), "
                "(SELECT count(*) FROM rewards.counter), (SELECT count(*) FROM wallet.transfer)"
            )
            .fetchall()
        )


def test_app_is_told_which_offers_fit_and_which_vouchers_are_best(staff: Door, customer: Door) -> None:
    held = running(staff, name="Mine", category="a")
    voucher_id = given(staff, held, customer)
    other = given(staff, running(staff, discount={"kind": "amount", "amount_minor": 300}, category="a"), customer)
    open_ = running(staff, name="For all", discount={"kind": "amount", "amount_minor": 700})
    code_of(staff, open_)
    spend = running(staff, name="Spend more", min_spend_minor=2_500)
    code_of(staff, spend)
    before = tables()

    answer = customer.post("/qualifications", ASKED)

    assert answer.status_code == 200, answer.json
    offers = [(each["name"], each["worth"]["amount_minor"], each["needs_code"]) for each in answer.json["offers"]]
    assert offers[:2] == [("For all", 700, True), ("Mine", 500, False)]
    assert answer.json["offers"][1]["vouchers"][0]["id"] == voucher_id
    [best] = answer.json["best"]["vouchers"]
    assert (best["voucher_id"], best["name"], best["amount"]["amount_minor"]) == (voucher_id, "Mine", 500)
    assert (best["lines"], answer.json["best"]["rest"]["amount_minor"]) == ([[0, 500]], 1_500)
    [left_out] = answer.json["best"]["left_out"]
    assert (left_out["voucher_id"], left_out["code"], left_out["by"]) == (other, "stacking_excluded", voucher_id)
    [nearly] = answer.json["nearly"]
    assert (nearly["name"], nearly["missing"]["amount_minor"]) == ("Spend more", 500)
    assert answer.json["best"]["next"] == nearly
    assert tables() == before


def test_store_makes_a_difference_and_must_exist(staff: Door, customer: Door, till: Door) -> None:
    here = str(till.principal.store_id)
    rule = {"fact": "store.id", "is": "one_of", "value": [here]}
    code_of(staff, running(staff, rule=rule))

    assert customer.post("/qualifications", ASKED).json["offers"] == []
    assert len(customer.post("/qualifications", ASKED | {"store_id": here}).json["offers"]) == 1
    assert customer.post("/qualifications", ASKED | {"store_id": str(ids.new())}).status_code == 404
    assert len(till.post("/qualifications", ASKED).json["offers"]) == 1


def test_till_is_told_open_offers_only(staff: Door, customer: Door, till: Door) -> None:
    given(staff, running(staff), customer)
    code_of(staff, running(staff, name="For all"))

    answer = till.post("/qualifications", ASKED)

    assert [each["name"] for each in answer.json["offers"]] == ["For all"]
    assert "best" not in answer.json


def test_validation_says_what_a_redemption_would_and_uses_nothing(staff: Door, customer: Door, till: Door) -> None:
    campaign_id = running(staff, limit_total=1)
    voucher_id = given(staff, campaign_id, customer)
    before = tables()

    answers = [till.post("/validations", ASKED | {"vouchers": [voucher_id]}) for _ in range(2)]

    for answer in answers:
        assert answer.status_code == 200, answer.json
        assert (answer.json["is_valid"], answer.json["rest"]["amount_minor"]) == (True, 1_500)
        assert answer.json["vouchers"][0]["lines"] == [[0, 500]]
    assert tables() == before

    with transaction() as session:
        code = customer_codes.current(session, customer.principal.id, now=clock.now())
    asked = ASKED | {"customer_code": code, "vouchers": [voucher_id], "till_reference": "A-1"}
    assert till.post("/checkouts", asked).status_code == 201
    refused = till.post("/validations", ASKED | {"vouchers": [voucher_id]}).json
    assert (refused["is_valid"], refused["refusal"]["code"], refused["refusal"]["voucher"]) == (
        False, "voucher_used_up", 0,
    )  # fmt: skip


def test_validation_is_no_way_to_guess_codes(till: Door) -> None:
    # Of the standard length, with a check character that fits none: 12 characters are looked up as they are.
    guesses = [f"ZZZZZZZZ{number:04}" for number in range(31)]

    answers = [till.post("/validations", ASKED | {"vouchers": [guess]}) for guess in guesses]

    assert {answer.json["refusal"]["code"] for answer in answers[:30]} == {"voucher_unknown"}
    assert answers[30].status_code == 429
    assert (answers[30].json["code"], "Retry-After" in answers[30].headers) == ("code_guesses_exceeded", True)


def test_staff_see_each_condition_with_what_it_needs_and_what_is(staff: Door, customer: Door) -> None:
    rule = {"fact": "basket.total_minor", "is": "at_least", "value": 2_001}
    campaign_id = running(staff, rule=rule, min_spend_minor=2_000, limit_total=3)

    answer = staff.post(f"/campaigns/{campaign_id}/checks", ASKED | {"customer_id": str(customer.principal.id)})

    assert answer.status_code == 200, answer.json
    told = {each["code"]: each for each in answer.json["conditions"]}
    assert (answer.json["is_met"], answer.json["worth"]["amount_minor"]) == (False, 500)
    assert [code for code, each in told.items() if not each["is_met"]] == ["conditions_not_met"]
    assert told["minimum_spend"] == {"code": "minimum_spend", "is_met": True, "needed": 2_000, "actual": 2_000}
    assert (answer.json["reason"]["needed"], answer.json["reason"]["actual"]) == (2_001, 2_000)

    draft = staff.post("/campaigns", {**_draft(), "skus": ["tea"], "budget_minor": 0}).json["id"]
    told = staff.post(f"/campaigns/{draft}/checks", ASKED).json
    failed = {each["code"]: (each["needed"], each["actual"]) for each in told["conditions"] if not each["is_met"]}
    assert failed == {"campaign_not_running": ("running", "draft"), "basket_not_covered": (1, 0)}
    assert staff.post(f"/campaigns/{ids.new()}/checks", ASKED).status_code == 404


def test_customers_data_needs_its_own_permission(app: Flask, staff: Door, customer: Door) -> None:
    campaign_id = running(staff)
    reader = Principal("staff", ids.new(), permissions=frozenset({"campaigns.read"}))
    door = Door(app, "/admin/v1", tokens.ADMIN, reader)

    assert door.post(f"/campaigns/{campaign_id}/checks", ASKED).status_code == 200
    asked = ASKED | {"customer_id": str(customer.principal.id)}
    assert door.post(f"/campaigns/{campaign_id}/checks", asked).status_code == 403


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [{"sku": "a", "quantity": "1", "amount_minor": -1}],
        [{"sku": "a", "quantity": "-1", "amount_minor": 1}],
        [{"sku": "a", "quantity": "1", "amount_minor": 2**53}],
        [{"sku": "a", "quantity": "1e9", "amount_minor": 1}],
        [{"sku": "a", "quantity": "1", "amount_minor": 1}] * 1_001,
    ],
)
def test_basket_that_makes_no_sense_is_refused(customer: Door, till: Door, lines: list[Any]) -> None:
    asked = {"basket": {"lines": lines}, "currency": "USD"}

    assert customer.post("/qualifications", asked).status_code == 422
    assert till.post("/qualifications", asked).status_code == 422
    assert till.post("/validations", asked | {"vouchers": ["X"]}).status_code == 422


def _draft() -> dict[str, Any]:
    now = clock.now()
    window = {"starts_at": (now - timedelta(days=1)).isoformat(), "ends_at": (now + timedelta(days=1)).isoformat()}
    discount = {"kind": "amount", "amount_minor": 500}
    return {"name": "Five off", "kind": "coupon", "discount": discount, "currency": "USD", **window}


def test_till_may_ask_for_part_of_the_vouchers(staff: Door, customer: Door, till: Door) -> None:
    fits = given(staff, running(staff), customer)
    spend = given(staff, running(staff, min_spend_minor=2_001), customer)
    with transaction() as session:
        code = customer_codes.current(session, customer.principal.id, now=clock.now())
    named = {"vouchers": [spend, fits], "apply": "part"}

    would = till.post("/validations", ASKED | named).json
    taken = till.post("/checkouts", ASKED | named | {"customer_code": code, "till_reference": "A-1"})

    assert [each["voucher_id"] for each in would["vouchers"]] == [fits]
    assert [made["voucher_id"] for made in taken.json["redemptions"]] == [fits]
    assert till.post("/validations", ASKED | named | {"apply": "some"}).status_code == 422
