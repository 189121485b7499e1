"""Reservations over HTTP: by a visit or a scan, taken by their id alone."""

from typing import Any

import pytest

from core import ids
from core.db import connection_of, transaction
from tests.rewards.redemption.test_visits import visit_of
from tests.rewards.test_api import BASKET, Door, checkout, customer, given, running, staff, till

__all__ = ["customer", "staff", "till"]


def asked(**changes: Any) -> dict[str, Any]:
    return {"basket": BASKET, "currency": "USD", "till_reference": str(ids.new())} | changes


def test_one_scan_reserves_and_takes(staff: Door, customer: Door, till: Door) -> None:
    voucher_id = given(staff, running(staff), customer)
    visit_id = visit_of(customer, till)
    request = asked(visit_id=visit_id, vouchers=[voucher_id], till_reference="R-1")

    made, again = till.post("/reservations", request, "k"), till.post("/reservations", request, "another key")
    blocked = till.post("/redemptions", asked(voucher_id=voucher_id))
    taken = till.post("/checkouts", {"reservation_id": made.json["id"], "till_reference": "B-1"})
    shown = till.get(f"/reservations/{made.json['id']}").json

    assert (made.status_code, made.json["state"], made.json["rest"]["amount_minor"]) == (201, "open", 1_500), made.json
    assert again.json == made.json
    assert made.json["vouchers"][0]["lines"] == [[0, 500]]
    assert blocked.json["code"] == "voucher_used_up"
    minor = {name: taken.json[name]["amount_minor"] for name in ("total", "discount", "gift", "paid", "at_till")}
    assert minor == {"total": 2_000, "discount": 500, "gift": 0, "paid": 1_500, "at_till": 0}
    assert (shown["state"], shown["checkout_id"]) == ("taken", taken.json["id"])
    assert till.post("/checkouts", asked(visit_id=visit_id)).json["code"] == "visit_over"
    assert till.put(f"/reservations/{made.json['id']}/release", None).json["code"] == "reservation_over"


def test_reservation_by_a_scan_is_released(staff: Door, customer: Door, till: Door) -> None:
    voucher_id = given(staff, running(staff), customer)
    code = checkout(customer)["customer_code"]

    made = till.post("/reservations", asked(customer_code=code, vouchers=[voucher_id], expires_in_seconds=60)).json
    released = [till.put(f"/reservations/{made['id']}/release", None).json for _ in range(2)]

    assert released[0] == released[1]
    assert (released[0]["state"], released[0]["ended_at"] is not None) == ("released", True)
    refused = till.post("/checkouts", {"reservation_id": made["id"], "till_reference": "B-1"})
    assert (refused.status_code, refused.json["code"]) == (404, "reservation_over")
    assert customer.get(f"/vouchers/{voucher_id}").json["state"] == "active"


def test_reversal_of_a_reservation_whose_answer_was_lost(staff: Door, customer: Door, till: Door) -> None:
    request = asked(visit_id=visit_of(customer, till), apply_best=True, till_reference="R-1")
    given(staff, running(staff), customer)
    till.post("/reservations", request)

    reversed_ = till.put("/reversals/R-1", None)

    assert (reversed_.status_code, reversed_.json["payment_id"], reversed_.json["amount"]) == (200, None, None)
    assert till.post("/reservations", request, "late").json["code"] == "payment_reversed"


def test_reservation_whose_time_has_passed_is_shown_so(staff: Door, customer: Door, till: Door) -> None:
    given(staff, running(staff), customer)
    made = till.post("/reservations", asked(visit_id=visit_of(customer, till), apply_best=True)).json
    with transaction() as session:
        connection_of(session).execute("UPDATE rewards.reservation SET reserved_until = now() - interval '1 second'")

    assert till.get(f"/reservations/{made['id']}").json["state"] == "expired"
    assert till.put(f"/reservations/{made['id']}/release", None).json["state"] == "expired"


def test_part_says_what_it_does_not_hold(staff: Door, customer: Door, till: Door) -> None:
    spend = given(staff, running(staff, min_spend_minor=2_001), customer)
    fits = given(staff, running(staff), customer)
    named = {"visit_id": visit_of(customer, till), "vouchers": [spend, fits], "apply": "part", "till_reference": "R-1"}

    made, again = (till.post("/reservations", asked(**named), key) for key in ("one", "another"))

    assert made.json["left_out"] == [{"voucher": 0, "code": "minimum_spend"}]
    assert [each["voucher_id"] for each in made.json["vouchers"]] == [fits]
    assert made.json == again.json == till.get(f"/reservations/{made.json['id']}").json


@pytest.mark.parametrize(
    "changes",
    [
        {"expires_in_seconds": 59},
        {"expires_in_seconds": 3_601},
        {"expires_in_seconds": "60"},
        {"vouchers": ["A"] * 31},
        {"rest": "till"},
        {"basket": None},
        {"currency": None},
        {"apply_best": True, "vouchers": ["A"]},
    ],
)
def test_reservation_that_makes_no_sense_is_a_problem(till: Door, changes: dict[str, Any]) -> None:
    answer = till.post("/reservations", asked(visit_id=str(ids.new())) | changes)

    assert (answer.status_code, answer.json["code"]) == (422, "invalid_input")


@pytest.mark.parametrize("beside", [{"visit_id": str(ids.new())}, {"basket": BASKET}, {"vouchers": ["A"]}])
def test_reserved_basket_takes_nothing_beside(till: Door, beside: dict[str, Any]) -> None:
    answer = till.post("/checkouts", {"reservation_id": str(ids.new()), "till_reference": "1", **beside})

    assert (answer.status_code, answer.json["code"]) == (422, "invalid_input")
    assert answer.json["errors"] == [{"pointer": f"/{next(iter(beside))}", "detail": "It stands with the reservation."}]


def test_wrong_code_at_a_reservation_is_a_guess(customer: Door, till: Door) -> None:
    visit_id = visit_of(customer, till)

    refused = till.post("/reservations", asked(visit_id=visit_id, vouchers=[str(ids.new())]))

    assert (refused.status_code, refused.json["code"]) == (404, "voucher_unknown")
    with transaction() as session:
        rows = connection_of(session).execute("SELECT count(*) FROM auth.limit_counter WHERE count = 1").fetchone()
    assert rows is not None
    assert rows[0] >= 2
