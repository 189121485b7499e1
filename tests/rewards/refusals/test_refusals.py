"""Refusals: kept for whom they concern, told to nobody else, and never more than a few."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from auth import customer_codes, customers, merchants, tokens
from core import clock, ids
from core.db import connection_of, statement, transaction
from core.web.principals import Principal
from rewards import refusals
from rewards.baskets import Basket
from rewards.errors import MinimumSpend
from rewards.redemption import redeeming
from rewards.redemption.redeeming import Request
from rewards.refusals import keeping, work
from tests.rewards.conftest import NOW, World, fill, line
from tests.rewards.test_api import BASKET, Door, given, running

ASKED: dict[str, Any] = {"basket": BASKET, "currency": "USD"}


def sign_up(app: Flask, phone: str) -> Door:
    with transaction() as session:
        known = customers.sign_up(session, phone=phone, locale=None, time_zone=None, now=clock.now())
        fill(session, known.id, 10_000)
    return Door(app, "/app/v1", tokens.APP, Principal("customer", known.id))


@pytest.fixture
def customer(app: Flask) -> Door:
    return sign_up(app, "+12025550143")


@pytest.fixture
def till(app: Flask) -> Door:
    with transaction() as session:
        merchant = merchants.add_merchant(session, name="Corner Shop", now=clock.now())
        store = merchants.add_store(session, merchant_id=merchant.id, name="Main Street", now=clock.now())
    principal = Principal("terminal", ids.new(), merchant_id=merchant.id, store_id=store.id)
    return Door(app, "/merchant/v1", tokens.MERCHANT, principal)


def staff_with(app: Flask, *permissions: str) -> Door:
    return Door(app, "/admin/v1", tokens.ADMIN, Principal("staff", ids.new(), permissions=frozenset(permissions)))


@pytest.fixture
def staff(app: Flask) -> Door:
    return staff_with(app, "campaigns.read", "campaigns.write", "customers.read")


def redeem(till: Door, voucher_id: str, **more: Any) -> Any:
    return till.post("/redemptions", ASKED | {"voucher_id": voucher_id, "till_reference": str(ids.new())} | more)


def kept() -> int:
    with transaction() as session:
        row = connection_of(session).execute("SELECT count(*) FROM rewards.refusal").fetchone()
        assert row is not None
        return int(row[0])


def unmet(refusal: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {each["code"]: (each["needed"], each["actual"]) for each in refusal["conditions"] if not each["is_met"]}


def code_of_customer(customer: Door) -> str:
    with transaction() as session:
        return customer_codes.current(session, customer.principal.id, now=clock.now())


def test_holder_and_staff_read_why_and_the_till_does_not(staff: Door, customer: Door, till: Door) -> None:
    rule = {"fact": "history.orders", "is": "at_least", "value": 3}
    campaign_id = running(staff, rule=rule, min_spend_minor=1_000)
    voucher_id = given(staff, campaign_id, customer)

    answer = redeem(till, voucher_id)

    assert (answer.status_code, answer.json["code"]) == (422, "conditions_not_met")
    assert not {"needed", "actual", "conditions", "reason"} & answer.json.keys()
    [own] = customer.get(f"/vouchers/{voucher_id}/refusals").json["items"]
    assert (own["code"], own["total"]["amount_minor"]) == ("conditions_not_met", 2_000)
    assert unmet(own) == {"conditions_not_met": (True, False)}
    assert (own["reason"]["needed"], own["reason"]["actual"]) == (3, 0)
    assert {each["code"] for each in own["conditions"] if each["is_met"]} >= {"minimum_spend", "voucher_expired"}
    for path in (f"/vouchers/{voucher_id}/refusals", f"/campaigns/{campaign_id}/refusals"):
        [told] = staff.get(path).json["items"]
        assert (told["customer_id"], told["reason"]["actual"]) == (str(customer.principal.id), 0)
        assert told["terminal_id"] == str(till.principal.id)


def test_what_tells_of_the_customer_needs_its_own_permission(
    app: Flask, staff: Door, customer: Door, till: Door
) -> None:
    rule = {"fact": "history.orders", "is": "at_least", "value": 3}
    campaign_id = running(staff, rule=rule)
    redeem(till, given(staff, campaign_id, customer))
    marketer = staff_with(app, "campaigns.read")

    [told] = marketer.get(f"/campaigns/{campaign_id}/refusals").json["items"]

    assert (told["customer_id"], told["reason"], told["code"]) == (None, None, "conditions_not_met")


def test_somebody_elses_refusals_are_not_there(app: Flask, staff: Door, customer: Door, till: Door) -> None:
    campaign_id = running(staff, min_spend_minor=3_000)
    voucher_id = given(staff, campaign_id, customer)
    redeem(till, voucher_id)
    other = sign_up(app, "+12025550144")

    stranger, nothing = (other.get(f"/vouchers/{each}/refusals") for each in (voucher_id, ids.new()))

    assert (
        (stranger.status_code, stranger.json["code"])
        == (nothing.status_code, nothing.json["code"])
        == (404, "not_found")
    )
    assert staff.get(f"/vouchers/{ids.new()}/refusals").status_code == 404
    assert staff.get(f"/campaigns/{ids.new()}/refusals").status_code == 404


def test_guesses_and_repetitions_leave_nothing(staff: Door, customer: Door, till: Door) -> None:
    voucher_id = given(staff, running(staff, min_spend_minor=3_000), customer)

    redeem(till, str(ids.new()))
    till.post("/redemptions", ASKED | {"code": "7KQ2M9ZP4XHD3RTB", "till_reference": "A-1"})
    assert kept() == 0
    for _ in range(3):
        till.post("/redemptions", ASKED | {"voucher_id": voucher_id, "till_reference": "A-2"}, key="the-same")
    assert kept() == 1


def test_foreign_voucher_in_a_checkout_is_kept_for_nobody(app: Flask, staff: Door, customer: Door, till: Door) -> None:
    voucher_id = given(staff, running(staff, min_spend_minor=3_000), sign_up(app, "+12025550144"))
    shown = {"customer_code": code_of_customer(customer), "vouchers": [voucher_id], "till_reference": "A-1"}

    assert till.post("/checkouts", ASKED | shown).json["code"] == "voucher_unknown"

    assert kept() == 0


def test_blocked_voucher_is_unknown_to_the_till_and_known_to_staff(staff: Door, customer: Door, till: Door) -> None:
    voucher_id = given(staff, running(staff), customer)
    staff.put(f"/vouchers/{voucher_id}/block", {})

    assert redeem(till, voucher_id).json["code"] == "voucher_unknown"

    [told] = staff.get(f"/vouchers/{voucher_id}/refusals").json["items"]
    assert (told["code"], unmet(told)) == ("voucher_blocked", {"voucher_blocked": (False, True)})


def test_holder_of_a_voucher_is_not_told_that_they_were_held_out(staff: Door, customer: Door, till: Door) -> None:
    voucher_id = given(staff, running(staff, min_spend_minor=3_000), customer)
    redeem(till, voucher_id)
    with transaction() as session:  # as of a printed code that they showed before they claimed it
        connection_of(session).execute("UPDATE rewards.refusal SET code = 'held_out'")

    path = f"/vouchers/{voucher_id}/refusals"
    told = [[each["code"] for each in door.get(path).json["items"]] for door in (customer, staff)]
    assert told == [["not_in_audience"], ["held_out"]]


def test_limit_that_the_statement_refused_is_told_with_its_figures(staff: Door, customer: Door, till: Door) -> None:
    campaign_id = running(staff, limit_total=1)
    first, second = (given(staff, campaign_id, customer) for _ in range(2))
    assert redeem(till, first).status_code == 201

    assert redeem(till, second).json["code"] == "limit_reached"

    [told] = staff.get(f"/campaigns/{campaign_id}/refusals?code=limit_reached").json["items"]
    [limit] = [each for each in told["conditions"] if each["code"] == "limit_reached"]
    assert limit == {
        "code": "limit_reached", "is_met": False, "needed": 1, "actual": 0, "scope": "total", "measure": "uses",
        "limit": 1,
    }  # fmt: skip
    assert staff.get(f"/campaigns/{campaign_id}/refusals?code=minimum_spend").json["items"] == []
    [own] = customer.get(f"/vouchers/{second}/refusals").json["items"]
    assert {"code": "limit_reached", "is_met": False} in own["conditions"]
    assert {"code": "budget_exhausted", "is_met": True} in own["conditions"]


def test_budget_that_the_statement_refused_is_told_to_staff_alone(staff: Door, customer: Door, till: Door) -> None:
    voucher_id = given(staff, running(staff, budget_minor=499), customer)

    assert redeem(till, voucher_id).json["code"] == "budget_exhausted"

    [told] = staff.get(f"/vouchers/{voucher_id}/refusals").json["items"]
    assert unmet(told) == {"budget_exhausted": (500, 499)}
    [own] = customer.get(f"/vouchers/{voucher_id}/refusals").json["items"]
    assert {"code": "budget_exhausted", "is_met": False} in own["conditions"]


def test_refused_checkout_keeps_the_voucher_that_it_was_refused_for(staff: Door, customer: Door, till: Door) -> None:
    fits = given(staff, running(staff), customer)
    spend = given(staff, running(staff, min_spend_minor=2_001), customer)
    shown = {"customer_code": code_of_customer(customer), "vouchers": [fits, spend], "till_reference": "A-1"}

    answer = till.post("/checkouts", ASKED | shown)

    assert (answer.json["code"], answer.json["voucher"]) == ("minimum_spend", 1)
    assert customer.get(f"/vouchers/{fits}/refusals").json["items"] == []
    [own] = customer.get(f"/vouchers/{spend}/refusals").json["items"]
    assert unmet(own) == {"minimum_spend": (2_001, 2_000)}


def test_part_says_what_it_leaves_out_and_keeps_why(staff: Door, customer: Door, till: Door) -> None:
    fits = given(staff, running(staff, category="a"), customer)
    spend = given(staff, running(staff, min_spend_minor=2_001), customer)
    second = given(staff, running(staff, category="a"), customer)
    named = {"vouchers": [spend, fits, second], "apply": "part"}

    would = till.post("/validations", ASKED | named).json
    assert kept() == 0
    shown = {"customer_code": code_of_customer(customer), "till_reference": "A-1"}
    taken = till.post("/checkouts", ASKED | named | shown, key="one")
    again = till.post("/checkouts", ASKED | named | shown, key="one")

    left_out = [{"voucher": 0, "code": "minimum_spend"}, {"voucher": 2, "code": "stacking_excluded"}]
    assert would["left_out"] == taken.json["left_out"] == again.json["left_out"] == left_out
    assert [made["voucher_id"] for made in taken.json["redemptions"]] == [fits]
    assert kept() == 2
    [own] = customer.get(f"/vouchers/{second}/refusals").json["items"]
    assert own["code"] == "stacking_excluded"
    assert [each["category"] for each in own["conditions"] if each["code"] == "stacking_excluded"] == ["a"]


def test_voucher_keeps_its_latest_refusals_alone(
    staff: Door, customer: Door, till: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MOST_OF_OWN", 3)
    campaign_id = running(staff, min_spend_minor=3_000)
    voucher_id, other = (given(staff, campaign_id, customer) for _ in range(2))
    redeem(till, other)

    for minor in range(1, 6):
        lines = [{"sku": "milk", "quantity": "1", "amount_minor": minor}]
        redeem(till, voucher_id, basket={"lines": lines})

    pages = [customer.get(f"/vouchers/{voucher_id}/refusals?limit=2").json]
    pages.append(customer.get(f"/vouchers/{voucher_id}/refusals?limit=2&cursor={pages[0]['next_cursor']}").json)
    assert [each["total"]["amount_minor"] for page in pages for each in page["items"]] == [5, 4, 3]
    assert len(customer.get(f"/vouchers/{other}/refusals").json["items"]) == 1


def test_refusals_go_after_ninety_days(staff: Door, customer: Door, till: Door) -> None:
    redeem(till, given(staff, running(staff, min_spend_minor=3_000), customer))

    work.sweep(clock.now() + timedelta(days=89))
    assert kept() == 1
    work.sweep(clock.now() + timedelta(days=90, seconds=1))
    assert kept() == 0


def test_reason_that_is_too_long_is_cut(staff: Door, customer: Door, till: Door) -> None:
    rule = {"all_lines": {"fact": "line.amount_minor", "is": "at_least", "value": 10}}
    voucher_id = given(staff, running(staff, rule=rule), customer)
    lines = [{"sku": f"milk{number}", "quantity": "1", "amount_minor": 1} for number in range(1_000)]

    assert redeem(till, voucher_id, basket={"lines": lines}).json["code"] == "conditions_not_met"

    with transaction() as session:
        row = connection_of(session).execute("SELECT length(reason::text) FROM rewards.refusal").fetchone()
    assert row is not None and row[0] < 21_000


def test_tills_that_are_refused_at_once_wait_for_nobody_and_keep_few(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MOST_OF_GENERIC", 5)
    code = world.voucher(world.campaign(min_spend_minor=3_000, limit_per_customer=None), None).code

    def refuse(number: int) -> None:
        for _ in range(5):
            request = Request(
                till=world.till,
                reference=code,
                basket=Basket((line(number),)),
                currency="USD",
                till_reference=str(ids.new()),
            )
            with pytest.raises(MinimumSpend) as refused, statement() as connection:
                redeeming.redeem(connection, request, at=NOW)
            with transaction() as session:
                refusals.note(session, refused.value, now=NOW)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(refuse, range(1, 9)))
    assert 5 <= kept() < 5 + 8
    refuse(9)
    assert kept() == 5
