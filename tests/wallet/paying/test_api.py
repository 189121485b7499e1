"""Paying over HTTP: at the customers' door and at the tills'."""

import io
from dataclasses import replace
from typing import Any

import pytest
import zxingcpp
from flask import Flask
from PIL import Image

from auth import customer_codes, tokens
from auth.models import Customer
from core import clock, ids
from core.db import transaction
from core.web.principals import Principal
from tests.wallet.paying.conftest import Shop
from tests.wallet.test_api import Door, usd
from wallet.paying import emvco
from wallet.paying.codes import _brand


@pytest.fixture
def till(app: Flask, shop: Shop) -> Door:
    at = shop.till
    principal = Principal("terminal", at.terminal_id, merchant_id=at.merchant_id, store_id=at.store_id)
    return Door(app.test_client(), "/merchant/v1", tokens.MERCHANT, principal)


@pytest.fixture
def customer(app: Flask, shop: Shop) -> Door:
    """With 20.00 in cash, 3.00 of promotional value and 250 points."""
    customer_id = shop.customer(cash=2000, promotional=300, points=250)
    with transaction() as session:
        session.add(Customer(id=customer_id, created_at=clock.now()))
    return Door(app.test_client(), "/app/v1", tokens.APP, Principal("customer", customer_id))


def code_of(customer: Door) -> str:
    with transaction() as session:
        return customer_codes.current(session, customer.id, now=clock.now())


def scanned(till: Door, path: str) -> str:
    answer = till.get(path)
    assert answer.content_type == "image/png"
    [seen] = zxingcpp.read_barcodes(Image.open(io.BytesIO(answer.data)))
    return str(seen.text)


def put(door: Door, path: str, body: Any = None) -> Any:
    return door.client.put(door.prefix + path, json=body, headers=door.headers)


def test_customer_scans_the_stores_picture_and_pays(till: Door, customer: Door, shop: Shop) -> None:
    code = scanned(till, "/store-code.png")
    assert code == till.get("/store-code").json["code"]  # type: ignore[index]

    seen = customer.post("/payment-codes/read", {"code": code}).json
    paid = customer.post("/payments", {"code": code, "amount": usd(1000), "tip_minor": 100})

    assert seen == {
        "merchant_id": str(shop.till.merchant_id), "merchant_name": "Corner Shop",
        "store_id": str(shop.till.store_id), "store_name": "Main Street", "currency": "USD", "amount": None,
        "tip_allowed": True, "payment_request_id": None, "expires_at": None,
    }  # fmt: skip
    assert paid.status_code == 201, paid.json
    assert (paid.json["amount"], paid.json["tip"]) == (usd(1100), usd(100))
    assert paid.json["parts"] == [
        {"kind": "promotional", "amount_minor": 300},
        {"kind": "points", "points": 250, "amount_minor": 250},
        {"kind": "cash", "amount_minor": 550},
    ]


def test_till_shows_a_basket_and_sees_it_paid(till: Door, customer: Door) -> None:
    body = {"amount": usd(1250), "till_reference": "B-1", "tip_allowed": True}
    asked = till.post("/payment-requests", body)
    assert (asked.status_code, asked.json["state"]) == (201, "open"), asked.json
    path = f"/payment-requests/{asked.json['id']}"
    code = scanned(till, f"{path}/code.png")
    assert code == asked.json["code"]
    assert emvco.decode(code, guid=_brand.guid).amount_minor == 1250

    seen = customer.post("/payment-codes/read", {"code": code}).json
    first, again = (customer.post("/payments", {"code": code, "tip_minor": 50}, key="k") for _ in range(2))

    assert (seen["amount"], seen["payment_request_id"]) == (usd(1250), asked.json["id"])  # type: ignore[index]
    assert (first.status_code, again.json) == (201, first.json), first.json
    assert again.headers["Idempotency-Replayed"] == "true"
    kept = till.get(path).json
    assert kept is not None
    assert (kept["state"], kept["payment_id"], kept["tip"], kept["code"]) == ("paid", first.json["id"], usd(50), None)
    assert till.get("/payments/by-reference/B-1").json["id"] == first.json["id"]  # type: ignore[index]
    assert customer.post("/payments", {"code": code}).json["code"] == "payment_request_paid"  # type: ignore[index]


def test_cancelled_basket_is_told_to_customer_and_till(till: Door, customer: Door) -> None:
    asked = till.post("/payment-requests", {"amount": usd(5), "till_reference": "B-1"}).json
    assert asked is not None

    cancelled = put(till, f"/payment-requests/{asked['id']}/cancellation")

    assert (cancelled.status_code, cancelled.json["state"]) == (200, "cancelled")
    for path in ("/payment-codes/read", "/payments"):
        assert customer.post(path, {"code": asked["code"]}).json["code"] == "payment_request_cancelled"  # type: ignore[index]


def test_till_takes_the_customers_code_once(till: Door, customer: Door, shop: Shop) -> None:
    body = {
        "customer_code": code_of(customer), "amount": usd(1000), "tip_minor": 50, "till_reference": "B-1",
        "source_order": ["cash"],
    }  # fmt: skip

    first, again = (till.post("/payments", body, key="k") for _ in range(2))
    burnt = till.post("/payments", {**body, "till_reference": "B-2"})

    assert (first.status_code, again.json) == (201, first.json), first.json
    assert (first.json["parts"], first.json["reference"]) == ([{"kind": "cash", "amount_minor": 1050}], "B-1")
    assert (burnt.status_code, burnt.json["code"]) == (422, "customer_code_refused")  # type: ignore[index]
    assert shop.owed == 1050
    assert till.get("/payments/by-reference/B-1").json == first.json
    other = till.post("/payments", {**body, "customer_code": code_of(customer), "amount": usd(100)})
    assert (other.status_code, other.json["code"]) == (409, "till_reference_reused")  # type: ignore[index]


def test_refused_payment_burns_no_code(till: Door, customer: Door) -> None:
    body = {"customer_code": code_of(customer), "amount": usd(9_999_999), "till_reference": "B-1"}
    refused = till.post("/payments", body)

    taken = till.post("/payments", {**body, "amount": usd(1)})

    assert (refused.status_code, refused.json["code"]) == (422, "insufficient_funds")  # type: ignore[index]
    assert taken.status_code == 201


def test_lost_answer_is_taken_back_by_reference(till: Door, customer: Door, shop: Shop) -> None:
    reference = "shop 4/till 2/B-1"
    body = {"customer_code": code_of(customer), "amount": usd(1000), "till_reference": reference}
    paid = till.post("/payments", body).json
    assert paid is not None

    first, again = (put(till, f"/reversals/{reference}") for _ in range(2))
    never = put(till, "/reversals/B-2")

    assert (first.status_code, first.json["payment_id"], first.json["amount"]) == (200, paid["id"], usd(1000))
    assert again.json == first.json
    assert (never.json["payment_id"], never.json["amount"]) == (None, None)
    late = till.post("/payments", {**body, "customer_code": code_of(customer), "till_reference": "B-2"})
    assert (late.status_code, late.json["code"]) == (422, "payment_reversed")  # type: ignore[index]
    assert till.get("/payments/by-reference/B-2").json["code"] == "payment_reversed"  # type: ignore[index]
    assert till.get("/payments/by-reference/B-3").status_code == 404
    assert (shop.owed, shop.held(customer.id)["cash"]) == (0, 2000)


def test_reference_longer_than_a_tills_names_nothing(till: Door) -> None:
    refused = [put(till, f"/reversals/{'x' * length}") for length in (101, 3000)]

    assert [(answer.status_code, answer.json["errors"]) for answer in refused] == [
        (422, [{"pointer": "/till_reference", "detail": "Must be 1 to 100 characters."}])
    ] * 2
    assert put(till, f"/reversals/{'x' * 100}").status_code == 200


@pytest.mark.parametrize("currency", ["GBP", "PTS", "XXX"])
def test_nobody_is_asked_for_a_currency_that_no_wallet_holds(till: Door, currency: str) -> None:
    asked = {"amount": {"amount_minor": 100, "currency": currency}, "till_reference": "B-1"}

    answer = till.post("/payment-requests", asked)

    assert (answer.status_code, answer.json["code"]) == (422, "currency_unknown")  # type: ignore[index]


def test_till_holds_captures_and_voids(till: Door, customer: Door, shop: Shop) -> None:
    body = {"customer_code": code_of(customer), "amount": usd(1500), "till_reference": "H-1"}
    held = till.post("/holds", body)
    assert (held.status_code, held.json["state"], held.json["left"]) == (201, "open", usd(1500)), held.json
    path = f"/holds/{held.json['id']}"

    first = till.post(f"{path}/captures", {"amount_minor": 1100, "tip_minor": 100})
    more = till.post(f"{path}/captures", {"amount_minor": 401})
    seen = customer.get("/holds").json
    voided = till.post(f"{path}/void", {})

    assert (first.status_code, first.json["amount"], first.json["tip"]) == (201, usd(1100), usd(100)), first.json
    assert (more.status_code, more.json["code"]) == (422, "capture_exceeds_hold")  # type: ignore[index]
    assert seen["items"][0]["captured"] == usd(1100)  # type: ignore[index]
    assert seen["items"][0]["reference"] == "H-1"  # type: ignore[index]
    assert (voided.status_code, voided.json["state"], voided.json["left"]) == (201, "voided", usd(0))
    assert till.post(f"{path}/captures", {}).json["code"] == "hold_ended"  # type: ignore[index]
    assert till.get(path).json == voided.json
    back = till.post(f"/payments/{first.json['id']}/refunds", {})
    assert (back.status_code, shop.owed) == (201, 0)


def test_holds_come_in_pages(till: Door, customer: Door) -> None:
    for reference in ("H-1", "H-2"):
        till.post("/holds", {"customer_code": code_of(customer), "amount": usd(5), "till_reference": reference})

    first = customer.get("/holds?limit=1").json
    second = customer.get(f"/holds?limit=1&cursor={first['next_cursor']}").json  # type: ignore[index]

    assert [page["items"][0]["reference"] for page in (first, second)] == ["H-2", "H-1"]  # type: ignore[index]
    assert second["next_cursor"] is None  # type: ignore[index]


def test_customer_chooses_what_pays_first(customer: Door, till: Door) -> None:
    assert customer.get("/payment-preferences").json == {"sources": ["promotional", "gift_card", "points", "cash"]}

    chosen = put(customer, "/payment-preferences", {"sources": ["cash"]})

    assert chosen.json == customer.get("/payment-preferences").json == {"sources": ["cash"]}
    code = till.get("/store-code").json["code"]  # type: ignore[index]
    paid = customer.post("/payments", {"code": code, "amount": usd(5)}).json
    assert paid["parts"] == [{"kind": "cash", "amount_minor": 5}]  # type: ignore[index]
    split = customer.post(
        "/payments",
        {"code": code, "amount": usd(500), "sources": [{"kind": "points", "amount_minor": 10}, {"kind": "cash"}]},
    ).json
    assert [part["amount_minor"] for part in split["parts"]] == [10, 490]  # type: ignore[index]


def test_gift_card_is_moved_into_the_wallet_once(customer: Door, shop: Shop) -> None:
    card = shop.gift_card(customer.id, 2000, at=clock.now())
    path = f"/gift-cards/{card}/top-ups"

    part = customer.post(path, {"amount_minor": 500})
    first, again = (customer.post(path, {}, key="k") for _ in range(2))

    assert (part.status_code, part.json["amount"], part.json["cash"]) == (201, usd(500), usd(0)), part.json
    assert (first.json["amount"], again.json) == (usd(1500), first.json)
    assert customer.post(path, {}).json["code"] == "gift_card_unknown"  # type: ignore[index]
    assert shop.held(customer.id)["promotional"] == 2300


@pytest.mark.parametrize(
    ("path", "changes", "pointer"),
    [
        ("/payments", {"amount": {"amount_minor": 1.5, "currency": "USD"}}, "/amount/amount_minor"),
        ("/payments", {"amount": {"amount_minor": "5", "currency": "USD"}}, "/amount/amount_minor"),
        ("/payments", {"amount": {"amount_minor": 0, "currency": "USD"}}, "/amount/amount_minor"),
        ("/payments", {"amount": {"amount_minor": 2**53, "currency": "USD"}}, "/amount/amount_minor"),
        ("/payments", {"tip_minor": -1}, "/tip_minor"),
        ("/payments", {"tip_minor": True}, "/tip_minor"),
        ("/payments", {"till_reference": ""}, "/till_reference"),
        ("/payments", {"source_order": ["cash", "cash"]}, "/source_order"),
        ("/payments", {"source_order": []}, "/source_order"),
        ("/payments", {"source_order": ["gold"]}, "/source_order/0"),
        ("/holds", {"expires_in_seconds": 59}, "/expires_in_seconds"),
    ],
)
def test_bad_input_is_named_at_the_till(till: Door, path: str, changes: dict[str, Any], pointer: str) -> None:
    answer = till.post(path, {"customer_code": "x", "amount": usd(5), "till_reference": "B-1", **changes})

    assert (answer.status_code, answer.json["code"]) == (422, "invalid_input"), answer.json
    assert answer.json["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"store_id": str(ids.new())}, "/merchant_id"),
        ({"code": ""}, "/code"),
        ({"sources": []}, "/sources"),
        ({"sources": [{"kind": "cash", "voucher_id": str(ids.new())}]}, "/sources/0/voucher_id"),
        ({"sources": [{"kind": "cash", "amount_minor": 0}]}, "/sources/0/amount_minor"),
    ],
)
def test_bad_input_is_named_in_the_app(customer: Door, changes: dict[str, Any], pointer: str) -> None:
    answer = customer.post("/payments", {"code": "x", "amount": usd(5), **changes})

    assert (answer.status_code, answer.json["code"]) == (422, "invalid_input"), answer.json
    assert answer.json["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    ("code", "refusal"),
    [("hello", "payment_code_unreadable"), ("000201", "payment_code_unreadable")],
)
def test_foreign_texts_are_refused_with_their_own_codes(customer: Door, code: str, refusal: str) -> None:
    assert customer.post("/payment-codes/read", {"code": code}).json["code"] == refusal  # type: ignore[index]
    assert customer.post("/payments", {"code": code, "amount": usd(5)}).json["code"] == refusal  # type: ignore[index]


def test_payments_at_tills_can_be_switched_off(app: Flask, till: Door, settings: Any) -> None:
    app.extensions["settings"] = replace(settings, payments=False)

    for method, path in (("post", "/payments"), ("post", "/holds"), ("post", "/payment-requests")):
        body = {"customer_code": "x", "amount": usd(5), "till_reference": "B-1"}
        if path == "/payment-requests":
            del body["customer_code"]
        assert getattr(till, method)(path, body).status_code == 503
    assert put(till, "/reversals/B-1").status_code == 503


def test_key_of_a_refused_payment_names_no_other(till: Door, customer: Door, shop: Shop) -> None:
    code = till.get("/store-code").json["code"]  # type: ignore[index]
    much = {"code": code, "amount": usd(9_999_999)}
    plain = {"merchant_id": str(shop.till.merchant_id), "amount": usd(5)}

    first = customer.post("/payments", much, key="k")
    other, again = customer.post("/payments", plain, key="k"), customer.post("/payments", much, key="k")

    assert (first.status_code, first.json["code"]) == (422, "insufficient_funds")  # type: ignore[index]
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")  # type: ignore[index]
    assert (again.json, again.headers["Idempotency-Replayed"]) == (first.json, "true")
    assert customer.post("/payments", plain, key="l").status_code == 201
    reused = customer.post("/payments", {**much, "amount": usd(5)}, key="l")
    assert reused.json["code"] == "idempotency_key_reused"  # type: ignore[index]
    assert shop.owed == 5


def test_unreadable_code_takes_no_key(till: Door, customer: Door) -> None:
    code = till.get("/store-code").json["code"]  # type: ignore[index]
    damaged = customer.post("/payments", {"code": code[:-1] + "?", "amount": usd(5)}, key="k")

    again = customer.post("/payments", {"code": code[:-1] + "?", "amount": usd(5)}, key="k")
    right = customer.post("/payments", {"code": code, "amount": usd(5)}, key="k")

    assert [answer.json["code"] for answer in (damaged, again)] == ["payment_code_damaged"] * 2  # type: ignore[index]
    assert right.status_code == 201


@pytest.mark.parametrize("named", ["merchant_id", "store_id"])
def test_unknown_merchant_is_paid_out_of_no_source(customer: Door, named: str) -> None:
    answer = customer.post("/payments", {named: str(ids.new()), "amount": usd(5), "sources": [{"kind": "cash"}]})

    assert (answer.status_code, answer.json["code"]) == (404, "merchant_unknown")  # type: ignore[index]
