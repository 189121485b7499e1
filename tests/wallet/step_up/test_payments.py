"""Payments over a limit: refused without a fresh proof of the customer's passkey for exactly this payment."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from auth import merchants
from core import clock, ids
from core.db import statement, transaction
from tests.auth.authenticator import PRESENT
from tests.wallet.conftest import open_cash
from tests.wallet.step_up.conftest import LIMIT, Payer, code_of, payer, status_of, usd


def test_a_payment_at_the_limit_asks_for_nothing(ada: Payer, shop: UUID) -> None:
    assert ada.pay(LIMIT, shop).status_code == 201


def test_a_payment_over_the_limit_asks_for_a_passkey(ada: Payer, shop: UUID) -> None:
    answer = ada.pay(LIMIT + 1, shop)

    assert code_of(answer) == (401, "step_up_required")
    assert answer.json is not None
    assert (answer.json["above_minor"], answer.json["currency"]) == (LIMIT, "USD")
    challenge = answer.headers["WWW-Authenticate"]
    assert 'error="insufficient_user_authentication"' in challenge
    assert 'acr_values="phr"' in challenge
    assert ada.cash() == 500_000


def test_an_approved_payment_is_paid_under_the_name_that_was_signed(ada: Payer, shop: UUID) -> None:
    asked = ada.ask("payment", LIMIT + 1, {"merchant_id": str(shop)})
    assert asked.json is not None
    assert asked.json["payee_name"] == "Corner Shop"
    assert [each["id"] for each in asked.json["passkey"]["allowCredentials"]] != []
    assert ada.prove(asked).status_code == 200

    paid = ada.pay(LIMIT + 1, shop, approval_id=asked.json["id"])

    assert paid.status_code == 201, paid.json
    assert paid.json is not None
    assert paid.json["id"] == asked.json["payment_id"]
    assert paid.json["approval_id"] == asked.json["id"]
    assert paid.json["parts"] == [{"kind": "cash", "amount_minor": LIMIT + 1}]
    assert ada.cash() == 500_000 - LIMIT - 1
    assert status_of(ada, asked.json["id"]) == "used"


def test_the_refusal_is_not_kept_under_the_key(ada: Payer, shop: UUID) -> None:
    assert ada.pay(LIMIT + 1, shop, key="basket 4").status_code == 401
    approval_id = ada.approved("payment", LIMIT + 1, {"merchant_id": str(shop)})

    assert ada.pay(LIMIT + 1, shop, key="basket 4", approval_id=approval_id).status_code == 201


def test_a_retry_gets_the_same_answer_and_uses_nothing_twice(ada: Payer, shop: UUID) -> None:
    approval_id = ada.approved("payment", LIMIT + 1, {"merchant_id": str(shop)})

    first = ada.pay(LIMIT + 1, shop, key="basket 4", approval_id=approval_id)
    again = ada.pay(LIMIT + 1, shop, key="basket 4", approval_id=approval_id)
    other = ada.pay(LIMIT + 1, shop, key="basket 5", approval_id=approval_id)

    assert again.json == first.json
    assert again.headers["Idempotency-Replayed"] == "true"
    assert code_of(other) == (409, "approval_used")
    assert ada.cash() == 500_000 - LIMIT - 1


@pytest.mark.parametrize(
    "change",
    [{"amount": 30_001}, {"amount": 29_999}, {"tip_minor": 1}, {"currency": "EUR"}, {"shop": True}, {"store": True}],
    ids=str,
)
def test_any_change_voids_the_approval(ada: Payer, shop: UUID, change: dict[str, Any]) -> None:
    approval_id = ada.approved("payment", 30_000, {"merchant_id": str(shop)})
    with transaction() as session:
        another = merchants.add_merchant(session, name="Elsewhere", now=clock.now()).id
        store_id = merchants.add_store(session, merchant_id=shop, name="Main St", now=clock.now()).id
    body: dict[str, Any] = {"amount": usd(change.get("amount", 30_000)), "approval_id": approval_id}
    body["amount"]["currency"] = change.get("currency", "USD")
    body |= {"tip_minor": 1} if "tip_minor" in change else {}
    place = (
        {"store_id": str(store_id)}
        if "store" in change
        else {"merchant_id": str(another if "shop" in change else shop)}
    )

    answer = ada.door.ask("POST", "/payments", {**body, **place})

    assert code_of(answer) == (422, "approval_mismatch")
    assert status_of(ada, approval_id) == "void"
    assert code_of(ada.pay(30_000, shop, approval_id=approval_id)) == (422, "approval_mismatch")
    assert ada.cash() == 500_000


def test_the_tip_is_approved_with_it(ada: Payer, shop: UUID) -> None:
    approval_id = ada.approved("payment", 30_000, {"merchant_id": str(shop)}, tip_minor=500)

    assert ada.pay(30_000, shop, tip_minor=500, approval_id=approval_id).status_code == 201
    assert ada.cash() == 500_000 - 30_500


def test_another_customers_approval_is_not_there(app: Flask, ada: Payer, shop: UUID) -> None:
    approval_id = ada.approved("payment", 30_000, {"merchant_id": str(shop)})
    bob = payer(app, "+12025550144")

    assert code_of(bob.pay(30_000, shop, approval_id=approval_id)) == (404, "not_found")
    assert bob.door.code("GET", f"/approvals/{approval_id}") == (404, "not_found")
    assert status_of(ada, approval_id) == "approved"


def test_an_approval_that_nobody_gave_pays_nothing(ada: Payer, shop: UUID) -> None:
    asked = ada.ask("payment", 30_000, {"merchant_id": str(shop)})
    assert asked.json is not None

    assert code_of(ada.pay(30_000, shop, approval_id=asked.json["id"])) == (409, "approval_not_given")
    assert code_of(ada.pay(30_000, shop, approval_id=str(ids.new()))) == (404, "not_found")


@pytest.mark.parametrize(("seconds", "code"), [(119, (201, "")), (120, (422, "approval_lapsed"))])
def test_an_approval_is_good_for_two_minutes(
    ada: Payer, shop: UUID, later: Any, seconds: int, code: tuple[int, str]
) -> None:
    approval_id = ada.approved("payment", 30_000, {"merchant_id": str(shop)})
    later(seconds)

    assert code_of(ada.pay(30_000, shop, approval_id=approval_id)) == code


def test_what_was_refused_for_want_of_money_uses_no_approval_up(app: Flask, rules: None, shop: UUID) -> None:
    poor = payer(app, cash=29_999)
    approval_id = poor.approved("payment", 30_000, {"merchant_id": str(shop)})

    refused = poor.pay(30_000, shop, approval_id=approval_id)
    with statement() as connection:
        open_cash(connection, 1, customer_id=poor.door.id)

    assert code_of(refused) == (422, "insufficient_funds")
    assert status_of(poor, approval_id) == "approved"
    assert poor.pay(30_000, shop, approval_id=approval_id).status_code == 201


def test_an_approval_where_none_is_needed_is_used_up_all_the_same(ada: Payer, shop: UUID) -> None:
    approval_id = ada.approved("payment", 100, {"merchant_id": str(shop)})

    assert ada.pay(100, shop, approval_id=approval_id).status_code == 201
    assert status_of(ada, approval_id) == "used"


def test_a_wrong_proof_is_counted_and_told(ada: Payer, shop: UUID) -> None:
    asked = ada.ask("payment", 30_000, {"merchant_id": str(shop)})

    refused = ada.prove(asked, flags=PRESENT)

    assert code_of(refused) == (422, "passkey_refused")
    assert refused.json is not None
    assert refused.json["tries_left"] == 4


def test_naming_a_source_is_no_way_around(ada: Payer, shop: UUID) -> None:
    body = {"amount": usd(LIMIT + 1), "merchant_id": str(shop), "sources": [{"kind": "cash"}]}
    assert ada.door.code("POST", "/payments", body) == (401, "step_up_required")
    approval_id = ada.approved("payment", LIMIT + 1, {"merchant_id": str(shop)})

    assert ada.door.ask("POST", "/payments", {**body, "approval_id": approval_id}).status_code == 201
