"""A wallet before and after the worker opened it looks the same."""

from flask import Flask
from flask.testing import FlaskClient

from auth import customers, tokens
from core import clock
from core.db import transaction
from core.web.principals import Principal
from tests.core.log import drain
from wallet.reactions import READERS


def test_a_customer_who_has_just_signed_up_sees_an_empty_wallet_rather_than_none(
    app: Flask, client: FlaskClient
) -> None:
    with transaction() as session:
        customer = customers.sign_up(session, phone="+447700900123", locale=None, time_zone=None, now=clock.now())
    token = tokens.mint(
        Principal(kind="customer", id=customer.id), audience=tokens.APP, client_id="test", now=clock.now()
    )

    def wallet() -> object:
        return client.get("/app/v1/wallet", headers={"Authorization": f"Bearer {token}"}).json

    nothing = {"amount_minor": 0, "currency": "USD"}
    empty = {"items": [{"purpose": "cash", "balance": nothing, "available": nothing}]}
    assert wallet() == empty

    for reader in READERS:
        drain(reader)

    assert wallet() == empty
