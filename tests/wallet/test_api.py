"""The wallet over HTTP, at the customer's and the merchant's door."""

import time
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import wiring, worker
from auth import customers, merchants, tokens
from core import clock, ids
from core.db import transaction
from core.web.principals import Principal
from wallet import balances, standing


class Door:
    """A client with a token in its hand."""

    def __init__(self, client: FlaskClient, prefix: str, audience: str, principal: Principal) -> None:
        self.client, self.prefix, self.id = client, prefix, principal.id
        token = tokens.mint(principal, audience=audience, client_id="test", now=clock.now(), ttl=timedelta(hours=1))
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str) -> TestResponse:
        return self.client.get(self.prefix + path, headers=self.headers)

    def post(self, path: str, body: Any, key: str | None = None) -> TestResponse:
        headers = {**self.headers, "Idempotency-Key": key or str(ids.new())}
        return self.client.post(self.prefix + path, json=body, headers=headers)


@pytest.fixture
def customer(app: Flask) -> Door:
    with transaction() as session:
        known = customers.sign_up(session, phone="+12025550143", locale=None, time_zone=None, now=clock.now())
    door = Door(app.test_client(), "/app/v1", tokens.APP, Principal("customer", known.id))
    opening = [reader for reader in wiring.READERS if reader.name == "wallet.open"]
    # Whoever else has a transaction open on this server holds the readers' horizon back for its length.
    deadline = time.monotonic() + 20
    while not _is_open(known.id) and time.monotonic() < deadline:
        worker.drain(opening, [], now=clock.now())
    return door


def _is_open(customer_id: UUID) -> bool:
    with transaction() as session:
        return bool(balances.of(session, f"customer:{customer_id}"))


@pytest.fixture
def till(app: Flask) -> Door:
    with transaction() as session:
        merchant = merchants.add_merchant(session, name="Corner Shop", now=clock.now())
        store = merchants.add_store(session, merchant_id=merchant.id, name="Main Street", now=clock.now())
    principal = Principal("terminal", ids.new(), merchant_id=merchant.id, store_id=store.id)
    door = Door(app.test_client(), "/merchant/v1", tokens.MERCHANT, principal)
    door.merchant_id, door.store_id = merchant.id, store.id  # type: ignore[attr-defined]
    return door


def usd(amount_minor: int) -> dict[str, Any]:
    return {"amount_minor": amount_minor, "currency": "USD"}


def topped_up(customer: Door, amount_minor: int = 2000) -> None:
    answer = customer.post("/topups", {"amount": usd(amount_minor), "source": "sandbox_ok"})
    assert (answer.status_code, answer.json["state"]) == (201, "succeeded")  # type: ignore[index]


def paid(customer: Door, till: Door, amount_minor: int = 1250, **more: Any) -> TestResponse:
    body = {"merchant_id": str(till.merchant_id), "amount": usd(amount_minor), **more}  # type: ignore[attr-defined]
    return customer.post("/payments", body)


def cash(customer: Door) -> int:
    return int(customer.get("/wallet").json["items"][0]["balance"]["amount_minor"])  # type: ignore[index]


def test_wallet_is_open_after_sign_up(customer: Door) -> None:
    answer = customer.get("/wallet")

    assert answer.json == {"items": [{"purpose": "cash", "balance": usd(0), "available": usd(0)}]}


def test_money_goes_in_and_out_and_back(customer: Door, till: Door) -> None:
    topped_up(customer)
    payment = paid(customer, till, reference="order 7").json
    assert payment is not None
    assert (payment["amount"], payment["reference"], payment["refunded"]) == (usd(1250), "order 7", usd(0))
    assert till.get("/balance").json == {"items": [usd(1250)]}

    refund = till.post(f"/payments/{payment['id']}/refunds", {"amount_minor": 250})

    assert (refund.status_code, refund.json["amount"]) == (201, usd(250))  # type: ignore[index]
    seen = till.get(f"/payments/{payment['id']}").json
    assert seen is not None
    assert (seen["amount"], seen["refunded"], seen["reference"]) == (usd(1250), usd(250), "order 7")
    assert [(part["kind"], part["refunded_minor"]) for part in seen["parts"]] == [("cash", 250)]
    assert till.get("/balance").json == {"items": [usd(1000)]}
    assert cash(customer) == 1000


def test_statement_comes_in_pages_latest_first(customer: Door, till: Door) -> None:
    topped_up(customer)
    for amount_minor in (1, 2, 3, 4):
        paid(customer, till, amount_minor)

    first = customer.get("/wallet/entries?limit=3").json
    second = customer.get(f"/wallet/entries?limit=3&cursor={first['next_cursor']}").json  # type: ignore[index]

    assert first is not None
    assert second is not None
    lines = first["items"] + second["items"]
    assert [line["amount"]["amount_minor"] for line in lines] == [-4, -3, -2, -1, 2000]
    assert [line["kind"] for line in lines] == ["payment"] * 4 + ["topup"]
    assert lines[0]["balance_after"] == usd(1990)
    assert lines[0]["merchant_id"] == str(till.merchant_id)  # type: ignore[attr-defined]
    assert second["next_cursor"] is None


def test_payment_at_a_store_goes_to_its_merchant(customer: Door, till: Door) -> None:
    topped_up(customer)

    answer = customer.post("/payments", {"store_id": str(till.store_id), "amount": usd(5)})  # type: ignore[attr-defined]

    assert answer.json["merchant_id"] == str(till.merchant_id)  # type: ignore[attr-defined, index]


def test_retry_gets_the_same_answer_marked_as_replayed(customer: Door, till: Door) -> None:
    topped_up(customer)
    body = {"merchant_id": str(till.merchant_id), "amount": usd(1250)}  # type: ignore[attr-defined]

    first, again = (customer.post("/payments", body, key="k") for _ in range(2))
    other = customer.post("/payments", {**body, "amount": usd(1)}, key="k")

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json == again.json
    assert (first.headers.get("Idempotency-Replayed"), again.headers["Idempotency-Replayed"]) == (None, "true")
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")  # type: ignore[index]
    assert cash(customer) == 750


def test_refused_payment_is_a_problem_and_stays_one(customer: Door, till: Door) -> None:
    body = {"merchant_id": str(till.merchant_id), "amount": usd(1)}  # type: ignore[attr-defined]

    first = customer.post("/payments", body, key="k")
    topped_up(customer)
    again = customer.post("/payments", body, key="k")

    assert (first.status_code, first.content_type) == (422, "application/problem+json")
    assert first.json["code"] == "insufficient_funds"  # type: ignore[index]
    assert (again.json, again.headers["Idempotency-Replayed"]) == (first.json, "true")
    assert paid(customer, till, 1).status_code == 201


def test_declined_topup_is_a_problem_on_every_retry(customer: Door) -> None:
    body = {"amount": usd(100), "source": "sandbox_declined"}

    first, again = (customer.post("/topups", body, key="k") for _ in range(2))

    assert (first.status_code, first.json["code"]) == (422, "topup_declined")  # type: ignore[index]
    assert first.json["reason"] == "card_declined"  # type: ignore[index]
    assert (again.json, again.headers["Idempotency-Replayed"]) == (first.json, "true")


def test_key_of_a_topup_cannot_name_a_payment(customer: Door, till: Door) -> None:
    topup = {"amount": usd(2000), "source": "sandbox_ok"}
    first = customer.post("/topups", topup, key="k")

    payment = customer.post("/payments", {"merchant_id": str(till.merchant_id), "amount": usd(5)}, key="k")  # type: ignore[attr-defined]
    again = customer.post("/topups", topup, key="k")

    assert (payment.status_code, payment.json["code"]) == (422, "idempotency_key_reused")  # type: ignore[index]
    assert (again.status_code, again.json) == (201, first.json)
    assert cash(customer) == 2000


@pytest.mark.parametrize("amount_minor", [5, 2001])
def test_key_of_a_payment_taken_or_refused_cannot_name_a_topup(customer: Door, till: Door, amount_minor: int) -> None:
    topped_up(customer)
    body = {"merchant_id": str(till.merchant_id), "amount": usd(amount_minor)}  # type: ignore[attr-defined]
    first = customer.post("/payments", body, key="k")

    topup = customer.post("/topups", {"amount": usd(100), "source": "sandbox_ok"}, key="k")
    again = customer.post("/payments", body, key="k")

    assert (topup.status_code, topup.json["code"]) == (422, "idempotency_key_reused")  # type: ignore[index]
    assert (again.status_code, again.json) == (first.status_code, first.json)
    assert cash(customer) == (1995 if amount_minor == 5 else 2000)


def test_topup_in_doubt_can_be_asked_after(customer: Door) -> None:
    topup = customer.post("/topups", {"amount": usd(100), "source": "sandbox_timeout"}).json

    assert topup is not None
    assert topup["state"] == "in_doubt"
    assert customer.get(f"/topups/{topup['id']}").json == topup


def test_refund_retried_is_replayed_and_too_much_is_refused(customer: Door, till: Door) -> None:
    topped_up(customer)
    path = f"/payments/{paid(customer, till).json['id']}/refunds"  # type: ignore[index]

    first, again = (till.post(path, {}, key="k") for _ in range(2))
    more = till.post(path, {})

    assert (first.status_code, first.json) == (201, again.json)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (more.status_code, more.json["code"]) == (422, "refund_exceeds_payment")  # type: ignore[index]
    assert cash(customer) == 2000


def test_strangers_see_nothing(app: Flask, customer: Door, till: Door) -> None:
    topped_up(customer)
    payment_id = paid(customer, till).json["id"]  # type: ignore[index]
    topup_id = customer.post("/topups", {"amount": usd(1), "source": "sandbox_ok"}).json["id"]  # type: ignore[index]
    stranger = Door(app.test_client(), "/app/v1", tokens.APP, Principal("customer", ids.new()))
    elsewhere = Principal("terminal", ids.new(), merchant_id=ids.new(), store_id=ids.new())
    other_till = Door(app.test_client(), "/merchant/v1", tokens.MERCHANT, elsewhere)

    assert stranger.get(f"/topups/{topup_id}").status_code == 404
    assert stranger.get("/wallet/entries").json == {"items": [], "next_cursor": None}
    assert other_till.get(f"/payments/{payment_id}").status_code == 404
    assert other_till.post(f"/payments/{payment_id}/refunds", {}).status_code == 404
    assert other_till.get("/balance").json == {"items": []}


GOOD: dict[str, Any] = {"merchant_id": str(UUID(int=7)), "amount": {"amount_minor": 1, "currency": "USD"}}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({**GOOD, "amount": {"amount_minor": 0, "currency": "USD"}}, 422, "invalid_input"),
        ({**GOOD, "amount": {"amount_minor": 1.5, "currency": "USD"}}, 422, "invalid_input"),
        ({**GOOD, "amount": {"amount_minor": "1", "currency": "USD"}}, 422, "invalid_input"),
        ({**GOOD, "amount": {"amount_minor": 2**53, "currency": "USD"}}, 422, "invalid_input"),
        ({**GOOD, "amount": {"amount_minor": 1, "currency": "usd"}}, 422, "invalid_input"),
        ({**GOOD, "amount": {"amount_minor": 1, "currency": "XXX"}}, 422, "currency_unknown"),
        ({**GOOD, "amount": {"amount_minor": 1, "currency": "EUR"}}, 422, "currency_unknown"),
        ({**GOOD, "store_id": str(UUID(int=8))}, 422, "invalid_input"),
        ({**GOOD, "reference": "x" * 141}, 422, "invalid_input"),
        ({"amount": GOOD["amount"]}, 422, "invalid_input"),
        ({"store_id": str(UUID(int=8)), "amount": GOOD["amount"]}, 404, "merchant_unknown"),
        (GOOD, 404, "merchant_unknown"),
        ([], 422, "invalid_input"),
    ],
)
def test_bad_payments_are_told_what_is_wrong(customer: Door, body: Any, status: int, code: str) -> None:
    topped_up(customer)

    answer = customer.post("/payments", body)

    assert (answer.status_code, answer.json["code"]) == (status, code)  # type: ignore[index]


def test_key_is_needed_wherever_value_moves(customer: Door, till: Door) -> None:
    refund = f"/merchant/v1/payments/{UUID(int=7)}/refunds"
    for door, path, body in (
        (customer, "/app/v1/payments", GOOD),
        (customer, "/app/v1/topups", {"amount": usd(1), "source": "sandbox_ok"}),
        (till, refund, {}),
    ):
        answer = door.client.post(path, json=body, headers=door.headers)

        assert (answer.status_code, answer.json["code"]) == (400, "idempotency_key_missing")


def test_cursor_of_another_making_is_refused(customer: Door) -> None:
    assert customer.get("/wallet/entries?cursor=nonsense").status_code == 422


def test_nothing_moves_while_payments_are_off(app: Flask, customer: Door, till: Door) -> None:
    from dataclasses import replace

    app.extensions["settings"] = replace(app.extensions["settings"], payments=False)

    for answer in (
        customer.post("/payments", GOOD),
        customer.post("/topups", {"amount": usd(1), "source": "sandbox_ok"}),
        till.post(f"/payments/{UUID(int=7)}/refunds", {}),
    ):
        assert (answer.status_code, answer.json["code"]) == (503, "payments_off")  # type: ignore[index]
    assert customer.get("/wallet").status_code == 200


def test_tip_above_the_amount_is_refused_with_its_pointer(customer: Door, till: Door) -> None:
    topped_up(customer)

    refused = paid(customer, till, 900, tip_minor=901)
    taken = paid(customer, till, 900, tip_minor=900)

    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "/tip_minor")  # type: ignore[index]
    assert (taken.status_code, cash(customer)) == (201, 200)


@pytest.mark.parametrize("amount_minor", [100, 5_000])
def test_frozen_wallet_is_told_as_frozen_also_where_it_has_too_little(
    customer: Door, till: Door, amount_minor: int
) -> None:
    topped_up(customer)
    with transaction() as session:
        standing.freeze(session, f"customer:{customer.id}")

    refused = paid(customer, till, amount_minor)

    assert (refused.status_code, refused.json["code"]) == (422, "account_frozen")  # type: ignore[index]
