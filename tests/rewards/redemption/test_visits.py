"""Visits: one scan serves what a till asks for one basket, and pays once."""

import threading
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from auth import customer_codes, customers, merchants
from auth.errors import CustomerCodeRefused
from core import clock, ids
from core.db import connection_of, transaction
from rewards.redemption import visits, work
from rewards.redemption.errors import VisitOver
from rewards.redemption.visits import KEPT, LASTS, Visit
from tests.rewards.conftest import World
from tests.rewards.test_api import BASKET, Door, checkout, customer, given, running, staff, till
from tests.suspending import suspend
from wallet.paying.tills import Till

__all__ = ["customer", "staff", "till"]


@pytest.fixture
def now(database: None) -> datetime:
    return clock.now()


@pytest.fixture
def known(database: None, now: datetime) -> UUID:
    with transaction() as session:
        return customers.sign_up(session, phone="+12025550143", locale=None, time_zone=None, now=now).id


def scan(customer_id: UUID, at: datetime) -> str:
    with transaction() as session:
        return customer_codes.current(session, customer_id, now=at)


def open_(world: World, code: str, at: datetime) -> Visit:
    with transaction() as session:
        return visits.open_(session, code, world.till, now=at)


def ask(visit: Visit, till: Till, at: datetime) -> UUID:
    with transaction() as session:
        return visits.customer_of(connection_of(session), visit.id, till, now=at)


def spend(visit: Visit, till: Till, at: datetime) -> UUID:
    with transaction() as session:
        return visits.spend(connection_of(session), visit.id, till, now=at)


def test_visit_knows_its_customer_until_its_last_instant(world: World, known: UUID, now: datetime) -> None:
    visit = open_(world, scan(known, now), now)

    assert visit.expires_at == now + LASTS
    assert ask(visit, world.till, visit.expires_at - timedelta(microseconds=1)) == known
    for deed in (ask, spend):
        with pytest.raises(VisitOver):
            deed(visit, world.till, visit.expires_at)


def test_step_is_burnt_by_its_visit(world: World, known: UUID, now: datetime) -> None:
    code = scan(known, now)
    open_(world, code, now)

    with pytest.raises(CustomerCodeRefused):
        open_(world, code, now)


def test_visit_is_its_terminals_alone(world: World, known: UUID, now: datetime) -> None:
    visit = open_(world, scan(known, now), now)
    beside = Till(merchant_id=world.till.merchant_id, store_id=world.till.store_id, terminal_id=ids.new())

    for deed in (ask, spend):
        with pytest.raises(VisitOver):
            deed(visit, beside, now)
    with pytest.raises(VisitOver), transaction() as session:
        visits.end(connection_of(session), visit.id, beside, now=now)
    assert ask(visit, world.till, now) == known


def test_visit_pays_once_and_not_where_its_basket_was_refused(world: World, known: UUID, now: datetime) -> None:
    visit = open_(world, scan(known, now), now)

    with pytest.raises(ZeroDivisionError), transaction() as session:
        visits.spend(connection_of(session), visit.id, world.till, now=now)
        raise ZeroDivisionError
    assert spend(visit, world.till, now) == known
    for deed in (ask, spend):
        with pytest.raises(VisitOver):
            deed(visit, world.till, now)


def test_of_two_baskets_at_once_one_is_paid(world: World, known: UUID, now: datetime) -> None:
    visit = open_(world, scan(known, now), now)
    outcomes: list[object] = []
    gate = threading.Barrier(2)

    def pay() -> None:
        gate.wait()
        try:
            outcomes.append(spend(visit, world.till, now))
        except VisitOver as refusal:
            outcomes.append(refusal.code)

    threads = [threading.Thread(target=pay) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(map(str, outcomes)) == sorted([str(known), "visit_over"])


def test_till_ends_a_visit_again_and_again(world: World, known: UUID, now: datetime) -> None:
    visit = open_(world, scan(known, now), now)
    with transaction() as session:
        first, again = (
            visits.end(connection_of(session), visit.id, world.till, now=now + timedelta(seconds=n)) for n in (1, 2)
        )

    assert first == again
    assert first.ended_at == now + timedelta(seconds=1)
    with pytest.raises(VisitOver):
        ask(visit, world.till, now)


def test_who_is_suspended_meanwhile_pays_no_more(world: World, known: UUID, now: datetime) -> None:
    visit = open_(world, scan(known, now), now)
    with transaction() as session:
        suspend(session, known)

    for deed in (ask, spend):
        with pytest.raises(VisitOver):
            deed(visit, world.till, now)


def test_who_was_where_is_forgotten_a_day_later(world: World, known: UUID, now: datetime) -> None:
    old = open_(world, scan(known, now), now)
    young = open_(world, scan(known, now), now + timedelta(seconds=1))

    work.sweep(old.expires_at + KEPT)
    assert world.rows("SELECT count(*) FROM rewards.visit") == [(2,)]
    work.sweep(young.expires_at + KEPT)

    assert world.rows("SELECT id FROM rewards.visit") == [(young.id,)]


def visit_of(customer: Door, till: Door) -> str:
    made = till.post("/visits", {"customer_code": checkout(customer)["customer_code"]})
    assert made.status_code == 201, made.json
    return str(made.json["id"])


def shown(visit_id: str, **changes: Any) -> dict[str, Any]:
    return {"visit_id": visit_id, "basket": BASKET, "currency": "USD"} | changes


def test_one_scan_asks_validates_redeems_and_pays(staff: Door, customer: Door, till: Door) -> None:
    voucher_id, other_id = (given(staff, running(staff), customer) for _ in range(2))
    visit_id = visit_of(customer, till)

    offers = till.post("/qualifications", shown(visit_id)).json
    valid = till.post("/validations", shown(visit_id, vouchers=[voucher_id])).json
    redeemed = till.post("/redemptions", shown(visit_id, voucher_id=voucher_id, till_reference="1"), "k")
    taken = till.post("/checkouts", shown(visit_id, vouchers=[other_id], till_reference="2"))

    assert {each["id"] for offer in offers["offers"] for each in offer["vouchers"]} == {voucher_id, other_id}
    assert offers["best"]["total"]["amount_minor"] == 1_000
    assert (valid["is_valid"], valid["rest"]["amount_minor"]) == (True, 1_500)
    assert (redeemed.status_code, taken.status_code) == (201, 201), taken.json
    # The customer's code pays once, however it was shown; what was carried out is answered again all the same.
    for path in ("/qualifications", "/checkouts", "/redemptions"):
        more = {} if path == "/qualifications" else {"till_reference": "3"}
        more |= {"voucher_id": voucher_id} if path == "/redemptions" else {}
        refused = till.post(path, shown(visit_id, **more))
        assert (refused.status_code, refused.json["code"]) == (404, "visit_over"), path
    again = till.post("/redemptions", shown(visit_id, voucher_id=voucher_id, till_reference="1"), "k")
    assert (again.json, again.headers["Idempotency-Replayed"]) == (redeemed.json, "true")


def test_another_customers_voucher_is_unknown_in_a_visit(staff: Door, customer: Door, till: Door) -> None:
    with transaction() as session:
        friend = customers.sign_up(session, phone="+12025550144", locale=None, time_zone=None, now=clock.now()).id
    theirs = staff.post(f"/campaigns/{running(staff)}/vouchers", {"customer_id": str(friend)}).json["id"]
    visit_id = visit_of(customer, till)

    assert till.post("/validations", shown(visit_id, vouchers=[theirs])).json["refusal"]["code"] == "voucher_unknown"
    refused = till.post("/redemptions", shown(visit_id, voucher_id=theirs, till_reference="1"))
    assert (refused.status_code, refused.json["code"]) == (404, "voucher_unknown")


def test_lost_answer_of_a_scan_is_given_again(customer: Door, till: Door) -> None:
    asked = {"customer_code": checkout(customer)["customer_code"]}

    first, again = till.post("/visits", asked, "k"), till.post("/visits", asked, "k")
    screenshot = till.post("/visits", asked, "another key")

    assert (again.json, again.headers["Idempotency-Replayed"]) == (first.json, "true")
    assert screenshot.json["code"] == "customer_code_refused"


def test_visit_of_another_till_is_over(app: Any, customer: Door, till: Door) -> None:
    visit_id = visit_of(customer, till)
    with transaction() as session:
        elsewhere = merchants.add_merchant(session, name="Other", now=clock.now())
        store = merchants.add_store(session, merchant_id=elsewhere.id, name="Side Street", now=clock.now())
    who = till.principal.__class__("terminal", ids.new(), merchant_id=elsewhere.id, store_id=store.id)
    stranger = Door(app, till.prefix, till.audience, who)

    for answer in (
        stranger.post("/qualifications", shown(visit_id)),
        stranger.post("/checkouts", shown(visit_id, till_reference="1")),
        stranger.put(f"/visits/{visit_id}/end", None),
        till.post("/checkouts", shown(str(ids.new()), till_reference="1")),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "visit_over")
    assert till.put(f"/visits/{visit_id}/end", None).json["ended_at"] is not None


def test_basket_is_shown_by_a_scan_or_a_visit(customer: Door, till: Door) -> None:
    code, visit_id = checkout(customer)["customer_code"], str(ids.new())

    for named in ({}, {"customer_code": code, "visit_id": visit_id}):
        asked = {"basket": BASKET, "currency": "USD", "till_reference": "1", **named}
        assert till.post("/checkouts", asked).json["code"] == "invalid_input"
