"""Baskets over HTTP: who collects the rest."""

from core import ids
from tests.rewards.test_api import Door, checkout, customer, given, running, staff, till

__all__ = ["customer", "staff", "till"]


def test_till_collects_the_rest_itself_and_gives_it_back_itself(staff: Door, customer: Door, till: Door) -> None:
    voucher_id = given(staff, running(staff), customer)
    reference = str(ids.new())

    taken = till.post("/checkouts", checkout(customer, vouchers=[voucher_id], rest="till", till_reference=reference))
    back = till.post(f"/checkouts/{taken.json['id']}/rollbacks", {"lines": [{"position": 0, "quantity": "1"}]})
    reversed_ = till.put(f"/reversals/{reference}", None)

    minor = {name: taken.json[name]["amount_minor"] for name in ("total", "discount", "gift", "paid", "at_till")}
    assert minor == {"total": 2_000, "discount": 500, "gift": 0, "paid": 0, "at_till": 1_500}
    assert (back.json["amount"]["amount_minor"], back.json["at_till"]["amount_minor"]) == (1_000, 750)
    assert reversed_.json["at_till"] == {"amount_minor": 750, "currency": "USD"}
    assert till.put("/reversals/never", None).json["at_till"] is None
    assert customer.get(f"/vouchers/{voucher_id}").json["state"] == "active"


def test_rest_is_the_wallets_or_the_tills(customer: Door, till: Door) -> None:
    for changes in ({"rest": "cash"}, {"rest": None}, {"rest": "till", "source_order": ["cash"]}):
        refused = till.post("/checkouts", checkout(customer, **changes))
        assert (refused.status_code, refused.json["code"]) == (422, "invalid_input")
