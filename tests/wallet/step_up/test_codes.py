"""Codes of stores and baskets over the limit; and tills, which are shown the customer's own code instead."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from auth import customer_codes, merchants, tokens
from core import clock, ids
from core.db import statement, transaction
from core.web.principals import Principal
from tests.wallet.doors import Door
from tests.wallet.step_up.conftest import LIMIT, Payer, code_of, status_of, usd

OVER = LIMIT + 1


@pytest.fixture
def till(app: Flask, shop: UUID) -> Door:
    with transaction() as session:
        store_id = merchants.add_store(session, merchant_id=shop, name="Main Street", now=clock.now()).id
    principal = Principal("terminal", ids.new(), merchant_id=shop, store_id=store_id)
    return Door(app, "/merchant/v1", tokens.MERCHANT, principal)


def basket(till: Door, amount_minor: int = OVER, reference: str = "B-1", **more: Any) -> Any:
    asked = till.ask("POST", "/payment-requests", {"amount": usd(amount_minor), "till_reference": reference, **more})
    assert asked.status_code == 201, asked.json
    return asked.json


def pay(payer: Payer, code: str, **more: Any) -> Any:
    return payer.door.ask("POST", "/payments", {"code": code, **more})


def test_a_basket_over_the_limit_asks_for_a_passkey(ada: Payer, till: Door) -> None:
    """It is posted under its till's name, and demanded all the same: the customer pays it in the app."""
    asked = basket(till, tip_allowed=True)
    assert code_of(pay(ada, asked["code"])) == (401, "step_up_required")
    wanted = ada.ask("payment", None, {"code": asked["code"]}, tip_minor=50)
    assert wanted.json is not None
    assert (wanted.json["amount"], wanted.json["payee_name"]) == (usd(OVER + 50), "Corner Shop, Main Street")
    ada.prove(wanted)

    paid = pay(ada, asked["code"], tip_minor=50, approval_id=wanted.json["id"])

    assert paid.status_code == 201, paid.json
    assert paid.json["id"] == wanted.json["payment_id"]
    kept = till.ask("GET", f"/payment-requests/{asked['id']}").json
    assert kept is not None
    assert (kept["state"], kept["payment_id"]) == ("paid", paid.json["id"])


def test_a_basket_at_the_limit_asks_for_nothing(ada: Payer, till: Door) -> None:
    assert pay(ada, basket(till, LIMIT)["code"]).status_code == 201


def test_another_basket_of_the_same_amount_voids_the_approval(ada: Payer, till: Door) -> None:
    one, other = basket(till), basket(till, reference="B-2")
    approval_id = ada.approved("payment", None, {"code": one["code"]})

    assert code_of(pay(ada, other["code"], approval_id=approval_id)) == (422, "approval_mismatch")
    assert status_of(ada, approval_id) == "void"
    assert ada.cash() == 500_000


def test_a_stores_code_and_the_store_are_one_payee(ada: Payer, till: Door) -> None:
    asked = till.ask("GET", "/store-code").json
    assert asked is not None
    approval_id = ada.approved("payment", OVER, {"code": asked["code"]})

    paid = pay(ada, asked["code"], amount=usd(OVER), approval_id=approval_id)

    assert paid.status_code == 201, paid.json


def test_a_code_says_what_may_be_approved(ada: Payer, till: Door) -> None:
    asked = basket(till)

    for amount, more, code in (
        (OVER + 1, {}, "amount_not_asked"),
        (None, {"tip_minor": 5}, "tip_not_allowed"),
    ):
        answer = ada.ask("payment", amount, {"code": asked["code"]}, **more)
        assert code_of(answer) == (422, code)


def test_a_till_that_is_shown_the_customers_code_is_exempt(ada: Payer, till: Door) -> None:
    with transaction() as session:
        shown = customer_codes.current(session, ada.door.id, now=clock.now())
    body = {"customer_code": shown, "amount": usd(OVER), "till_reference": "B-1", "source_order": ["cash"]}

    paid = till.ask("POST", "/payments", body)

    assert paid.status_code == 201, paid.json
    assert ada.cash() == 500_000 - OVER


def test_a_hold_at_a_till_is_exempt(ada: Payer, till: Door) -> None:
    with transaction() as session:
        shown = customer_codes.current(session, ada.door.id, now=clock.now())

    held = till.ask("POST", "/holds", {"customer_code": shown, "amount": usd(OVER), "till_reference": "H-1"})

    assert held.status_code == 201, held.json


def test_what_was_said_to_the_ledger_for_a_basket_is_forgotten_with_it(ada: Payer, till: Door) -> None:
    """A pooled connection serves tills after it."""
    pay(ada, basket(till)["code"])

    with statement() as connection:
        row = connection.execute("SELECT current_setting('wallet.is_remote', true)").fetchone()
    assert row in ((None,), ("",))
