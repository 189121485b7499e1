"""A wallet before and after the worker opened it looks the same."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from auth import customers, merchants, tokens
from core import clock
from core.db import transaction
from core.web.principals import Principal
from tests.core.log import drain
from wallet.reactions import READERS


@pytest.fixture
def newcomer(app: Flask) -> dict[str, str]:
    """The header of a customer who has just signed up: no reader has seen it yet."""
    with transaction() as session:
        customer = customers.sign_up(session, phone="+447700900123", locale=None, time_zone=None, now=clock.now())
    principal = Principal(kind="customer", id=customer.id)
    return {"Authorization": "Bearer " + tokens.mint(principal, audience=tokens.APP, client_id="test", now=clock.now())}


def test_a_customer_who_has_just_signed_up_sees_an_empty_wallet_rather_than_none(
    client: FlaskClient, newcomer: dict[str, str]
) -> None:
    nothing = {"amount_minor": 0, "currency": "USD"}
    empty = {"items": [{"purpose": "cash", "balance": nothing, "available": nothing}]}
    assert client.get("/app/v1/wallet", headers=newcomer).json == empty

    for reader in READERS:
        drain(reader)

    assert client.get("/app/v1/wallet", headers=newcomer).json == empty


def test_a_customer_who_has_just_signed_up_is_refused_for_want_of_money(
    client: FlaskClient, newcomer: dict[str, str]
) -> None:
    with transaction() as session:
        merchant = merchants.add_merchant(session, name="Corner Coffee", now=clock.now())
    body = {"merchant_id": str(merchant.id), "amount": {"amount_minor": 1, "currency": "USD"}}

    answer = client.post("/app/v1/payments", json=body, headers={**newcomer, "Idempotency-Key": "1"})

    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (422, "insufficient_funds")
