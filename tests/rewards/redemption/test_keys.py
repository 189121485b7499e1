"""A till's key names one request, whichever route it was sent to: redemptions keep theirs on rows of their own."""

from typing import Any

from tests.rewards.test_api import (  # noqa: F401 - fixtures
    BASKET,
    Door,
    checkout,
    customer,
    given,
    running,
    staff,
    till,
)


def redemption(voucher_id: str, reference: str) -> dict[str, Any]:
    return {"voucher_id": voucher_id, "basket": BASKET, "currency": "USD", "till_reference": reference}


def test_key_of_a_redemption_names_no_checkout(staff: Door, customer: Door, till: Door) -> None:  # noqa: F811
    voucher_id = given(staff, running(staff), customer)
    made = till.post("/redemptions", redemption(voucher_id, "R-1"), key="k")
    assert made.status_code == 201, made.json

    other = till.post("/checkouts", checkout(customer), key="k")
    again = till.post("/redemptions", redemption(voucher_id, "R-1"), key="k")

    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    assert (again.status_code, again.json) == (201, made.json)


def test_key_of_a_checkout_names_no_redemption(staff: Door, customer: Door, till: Door) -> None:  # noqa: F811
    voucher_id = given(staff, running(staff), customer)
    made = till.post("/checkouts", checkout(customer), key="k")
    assert made.status_code == 201, made.json

    other = till.post("/redemptions", redemption(voucher_id, "R-1"), key="k")
    under_its_own = till.post("/redemptions", redemption(voucher_id, "R-1"), key="other")

    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    assert under_its_own.status_code == 201
