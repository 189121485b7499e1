"""Giving back over HTTP, with the answers that a till sees."""

from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from flask import Flask

from auth import tokens
from core import ids
from core.db import transaction
from core.web.principals import Principal
from rewards import checkouts
from tests.rewards.conftest import NOW, World, line
from tests.rewards.test_api import Door
from tests.rewards.tills.conftest import signing_till, world_of


@pytest.fixture
def till(app: Flask) -> Door:
    return signing_till(app, ed25519.Ed25519PrivateKey.generate())


@pytest.fixture
def shop(till: Door) -> World:
    return world_of(till)


def taken_by(shop: World) -> tuple[UUID, UUID]:
    """A customer and their basket of milk and tea, 5.00 off."""
    customer = shop.customer()
    coupon = shop.voucher(shop.campaign(), customer)
    request = shop.checkout(customer, line(1_000, quantity="2"), line(1_000), vouchers=(coupon.id,))
    with transaction() as session:
        return customer, checkouts.take(session, request, now=NOW).id


def redeemed_by(till: Door, shop: World, reference: str = "R-1") -> dict[str, Any]:
    ends = {"ends_at": NOW.replace(year=2100)}
    voucher = shop.voucher(shop.campaign(**ends), shop.customer())
    lines = [{"sku": "milk", "quantity": "1", "amount_minor": 2_000}]
    body = {"voucher_id": str(voucher.id), "basket": {"lines": lines}, "currency": "USD", "till_reference": reference}
    made = till.post("/redemptions", body)
    assert made.status_code == 201, made.json
    return dict(made.json)


def test_lines_come_back_one_by_one(till: Door, shop: World) -> None:
    customer, checkout_id = taken_by(shop)
    path = f"/checkouts/{checkout_id}/rollbacks"
    body = {"lines": [{"position": 0, "quantity": "1"}], "reason": "sour milk"}

    first, again = (till.post(path, body, key="one") for _ in range(2))
    rest = till.post(path, {})

    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.json, again.headers["Idempotency-Replayed"]) == (first.json, "true")
    assert first.json["amount"] == {"amount_minor": 500, "currency": "USD"}
    assert first.json["lines"] == [{"position": 0, "amount_minor": 500, "quantity": "1"}]
    assert [each["is_whole"] for each in first.json["redemptions"]] == [False]
    assert (first.json["kind"], first.json["reason"]) == ("rollback", "sour milk")
    assert rest.json["amount"]["amount_minor"] == 1_500
    assert [each["is_whole"] for each in rest.json["redemptions"]] == [True]
    assert (shop.cash(customer), shop.payable) == (10_000, 0)
    over = till.post(path, {})
    assert (over.status_code, over.json["code"]) == (409, "rolled_back_already")


def test_more_than_a_line_was_is_refused_and_frozen(till: Door, shop: World) -> None:
    _, checkout_id = taken_by(shop)
    path = f"/checkouts/{checkout_id}/rollbacks"

    refused, again = (till.post(path, {"lines": [{"position": 0, "quantity": "3"}]}, key="one") for _ in range(2))

    assert (refused.status_code, refused.json["code"]) == (422, "rollback_exceeds_line")
    assert (refused.json["position"], refused.json["left_minor"], refused.json["left_quantity"]) == (0, 1_000, "2")
    assert again.headers["Idempotency-Replayed"] == "true"
    other = till.post(path, {"lines": [{"position": 0}]}, key="one")
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    "lines",
    [
        [], [{}], [{"position": -1}], [{"position": "0"}], [{"position": 0, "quantity": "0"}],
        [{"position": 0, "quantity": "-1"}], [{"position": 0, "quantity": 1}], [{"position": 0, "quantity": "1e3"}],
        [{"position": 0, "amount_minor": 0}], [{"position": 0, "amount_minor": 2**53}],
        [{"position": 0, "amount_minor": 1, "quantity": "1"}], [{"position": 0}, {"position": 0}],
        [{"position": 0, "colour": "red"}], "all", [{"position": 1_000}], [{"position": 2}],
    ],
)  # fmt: skip
def test_what_is_no_line_is_named(till: Door, shop: World, lines: Any) -> None:
    _, checkout_id = taken_by(shop)

    refused = till.post(f"/checkouts/{checkout_id}/rollbacks", {"lines": lines})

    assert (refused.status_code, refused.json["code"]) == (422, "invalid_input")
    assert refused.json["errors"][0]["pointer"].startswith("/lines")
    assert shop.rows("SELECT FROM rewards.rollback") == []


def test_rollback_needs_an_idempotency_key(till: Door, shop: World) -> None:
    _, checkout_id = taken_by(shop)
    client = till.app.test_client()

    refused = client.post(f"/merchant/v1/checkouts/{checkout_id}/rollbacks", json={}, headers=till.headers)

    assert (refused.status_code, refused.json["code"]) == (400, "idempotency_key_missing")


def test_redemption_is_looked_up_rolled_back_and_voided(till: Door, shop: World) -> None:
    made = redeemed_by(till, shop, "2026/R-1")
    seen = till.get("/redemptions/by-reference/2026/R-1").json
    assert (seen["id"], seen["state"], seen["back"]["amount_minor"]) == (made["id"], "succeeded", 0)

    part = till.post(f"/redemptions/{made['id']}/rollbacks", {"amount_minor": 200})
    voided, again = (till.put(f"/redemptions/{made['id']}/void", None) for _ in range(2))

    assert (part.status_code, part.json["amount"]["amount_minor"]) == (201, 200)
    assert (voided.status_code, voided.json) == (200, again.json)
    assert (voided.json["kind"], voided.json["amount"]["amount_minor"]) == ("void", 300)
    seen = till.get("/redemptions/by-reference/2026/R-1").json
    assert (seen["state"], seen["back"]["amount_minor"]) == ("rolled_back", 500)
    assert till.get("/redemptions/by-reference/never").status_code == 404
    late = till.post(f"/redemptions/{made['id']}/rollbacks", {})
    assert (late.status_code, late.json["code"]) == (409, "rolled_back_already")


def test_reversal_tells_of_the_redemption(till: Door, shop: World) -> None:
    made = redeemed_by(till, shop)

    done, again = (till.put("/reversals/R-1", None) for _ in range(2))

    assert (done.status_code, done.json) == (200, again.json)
    assert (done.json["redemption_id"], done.json["payment_id"]) == (made["id"], None)
    assert done.json["amount"] == {"amount_minor": 500, "currency": "USD"}
    nothing = till.put("/reversals/never", None).json
    assert (nothing["redemption_id"], nothing["payment_id"], nothing["amount"]) == (None, None, None)


def test_staff_roll_back_any_merchants_redemption(app: Flask, till: Door, shop: World) -> None:
    made = redeemed_by(till, shop)
    who = Principal("staff", ids.new(), permissions=frozenset({"redemptions.roll_back"}))
    staff = Door(app, "/admin/v1", tokens.ADMIN, who)

    done = staff.post(f"/redemptions/{made['id']}/rollbacks", {"reason": "charged twice"})

    assert (done.status_code, done.json["amount"]["amount_minor"]) == (201, 500)
    assert shop.rows("SELECT actor, action, target FROM core.audit_entry WHERE starts_with(action, 'redemption.')") == [
        (who.name, "redemption.roll_back", f"redemption:{made['id']}")
    ]
    assert staff.post(f"/redemptions/{ids.new()}/rollbacks", {}).status_code == 404
