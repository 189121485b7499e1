"""Asking before: one's own voucher, what lacks for the next better offer, and what staff see of a customer's offers."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from auth import customers, tokens
from core import clock, ids
from core.db import connection_of, transaction
from core.web.principals import Principal
from tests.rewards.conftest import World, fill, line
from tests.rewards.offers.test_api import ASKED, code_of, tables
from tests.rewards.offers.test_qualifying import ask, open_offer
from tests.rewards.test_api import Door, given, running


def sign_up(app: Flask, phone: str) -> Door:
    with transaction() as session:
        known = customers.sign_up(session, phone=phone, locale=None, time_zone=None, now=clock.now())
        fill(session, known.id, 10_000)
    return Door(app, "/app/v1", tokens.APP, Principal("customer", known.id))


def staff_with(app: Flask, *permissions: str) -> Door:
    return Door(app, "/admin/v1", tokens.ADMIN, Principal("staff", ids.new(), permissions=frozenset(permissions)))


@pytest.fixture
def customer(app: Flask) -> Door:
    return sign_up(app, "+12025550143")


@pytest.fixture
def staff(app: Flask) -> Door:
    return staff_with(app, "campaigns.read", "campaigns.write", "customers.read")


def unmet(told: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {each["code"]: (each.get("needed"), each.get("actual")) for each in told["conditions"] if not each["is_met"]}


def test_holder_is_told_whether_a_voucher_would_be_taken(staff: Door, customer: Door) -> None:
    fits = given(staff, running(staff), customer)
    rule = {"fact": "history.orders", "is": "at_least", "value": 1}
    ruled = given(
        staff, running(staff, rule=rule, min_spend_minor=2_001, limit_total=5, limit_per_customer=None), customer
    )
    before = tables()

    taken = customer.post(f"/vouchers/{fits}/checks", ASKED).json
    refused = customer.post(f"/vouchers/{ruled}/checks", ASKED).json

    assert (taken["is_met"], taken["worth"], unmet(taken)) == (True, {"amount_minor": 500, "currency": "USD"}, {})
    assert refused["is_met"] is False
    assert unmet(refused) == {"minimum_spend": (2_001, 2_000), "conditions_not_met": (True, False)}
    assert (refused["reason"]["needed"], refused["reason"]["actual"]) == (1, 0)
    # What the campaign has left is the brand's own.
    brands = [each for each in refused["conditions"] if each["code"] in ("budget_exhausted", "limit_reached")]
    assert brands == [{"code": "limit_reached", "is_met": True}, {"code": "budget_exhausted", "is_met": True}]
    assert tables() == before


def test_gift_card_pays_what_it_has(staff: Door, customer: Door) -> None:
    card = {"kind": "gift_card", "discount": {"kind": "value", "amount_minor": 2_500}, "limit_per_customer": None}
    voucher_id = given(staff, running(staff, **card), customer)

    told = customer.post(f"/vouchers/{voucher_id}/checks", ASKED).json

    assert (told["is_met"], told["worth"]["amount_minor"], unmet(told)) == (True, 2_000, {})


def test_voucher_that_is_somebody_elses_is_not_there(app: Flask, staff: Door, customer: Door) -> None:
    voucher_id = given(staff, running(staff), sign_up(app, "+12025550144"))

    answers = [customer.post(f"/vouchers/{each}/checks", ASKED) for each in (voucher_id, ids.new())]

    assert {(each.status_code, each.json["code"]) for each in answers} == {(404, "not_found")}
    assert customer.post(f"/vouchers/{voucher_id}/checks", {"currency": "USD"}).status_code == 422


def test_next_better_offer_is_the_one_that_lacks_least_and_gains(world: World) -> None:
    customer = world.customer()
    held = world.voucher(world.campaign(category="a"), customer)
    rival = open_offer(world, 900, category="a", min_spend_minor=2_500)
    beside = open_offer(world, 100, min_spend_minor=2_900)
    lesser = open_offer(world, 400, category="a", min_spend_minor=2_100)

    found = ask(world, customer, line(2_000))

    gains = {each.missing.terms.campaign_id: (each.missing.missing_minor, each.gain_minor) for each in found.nearly}
    assert gains == {rival: (500, 400), beside: (900, 100), lesser: (100, 0)}
    assert [each.candidate.id for each in found.best.chosen] == [held.id]
    assert found.next_ is not None and found.next_.missing.terms.campaign_id == rival
    assert ask(world, None, line(100)).next_ is not None
    assert ask(world, customer, line(3_000)).next_ is None


def test_offer_that_is_used_up_is_not_nearly_reached(world: World) -> None:
    spent = open_offer(world, 600, min_spend_minor=2_500, budget_minor=599)

    assert spent and ask(world, None).nearly == []


def test_minimum_and_rule_that_both_lack_value_tell_the_larger(world: World) -> None:
    rule = {"fact": "basket.total_minor", "is": "at_least", "value": 2_700}
    open_offer(world, 600, min_spend_minor=2_500, rule=rule)

    assert [each.missing.missing_minor for each in ask(world, None).nearly] == [700]


def test_staff_see_why_the_other_offers_do_not_fit_a_customer(app: Flask, staff: Door, customer: Door) -> None:
    fits = given(staff, running(staff, name="Fits"), customer)
    expired = given(staff, running(staff, name="Expired"), customer)
    with transaction() as session:
        query = "UPDATE rewards.voucher SET expires_at = %s WHERE id = %s"
        connection_of(session).execute(query, [clock.now() - timedelta(days=1), UUID(expired)])
    spend = running(staff, name="Spend", min_spend_minor=2_001, priority=5)
    code_of(staff, spend)
    running(staff, name="Nobody's")
    held_out = running(staff, name="Held out", holdout_bps=10_000)
    code_of(staff, held_out)
    spent = running(staff, name="Spent", budget_minor=100)
    code_of(staff, spent)

    told = staff.post(f"/customers/{customer.principal.id}/qualifications", ASKED).json

    assert [(each["name"], each["vouchers"][0]["id"]) for each in told["offers"]] == [("Fits", fits)]
    others = {each["name"]: (each["code"], each["voucher_id"]) for each in told["others"]}
    assert others == {
        "Expired": ("voucher_expired", expired),
        "Spend": ("minimum_spend", None),
        "Nobody's": ("no_voucher", None),
        "Held out": ("held_out", None),
        "Spent": ("budget_exhausted", None),
    }
    assert [each["name"] for each in told["others"]][:2] == ["Expired", "Spend"]
    assert told["other_codes"] == dict.fromkeys([code for code, _ in others.values()], 1)
    spends = next(each for each in told["others"] if each["name"] == "Spend")
    assert unmet(spends) == {"minimum_spend": (2_001, 2_000)}
    assert staff.post(f"/customers/{ids.new()}/qualifications", ASKED).status_code == 404


def test_staff_see_that_a_code_which_the_customer_claimed_is_used_up(staff: Door, customer: Door) -> None:
    claimed = given(staff, running(staff, name="Claimed", limit_per_customer=3), customer)
    with transaction() as session:
        query = "UPDATE rewards.voucher SET batch_id = gen_random_uuid(), used = 1 WHERE id = %s"
        connection_of(session).execute(query, [UUID(claimed)])

    told = staff.post(f"/customers/{customer.principal.id}/qualifications", ASKED).json

    assert [(each["code"], each["voucher_id"]) for each in told["others"]] == [("voucher_used_up", claimed)]


@pytest.mark.parametrize("permission", ["customers.read", "campaigns.read"])
def test_a_customers_offers_need_both_permissions(app: Flask, customer: Door, permission: str) -> None:
    path = f"/customers/{customer.principal.id}/qualifications"

    assert staff_with(app, permission).post(path, ASKED).status_code == 403
    assert staff_with(app, "customers.read", "campaigns.read").post(path, ASKED).status_code == 200
