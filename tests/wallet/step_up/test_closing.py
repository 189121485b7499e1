"""A wallet that is closed with its cash paid out: all that a customer has leaves, to whatever account is named."""

from typing import Any

import pytest
from flask import Flask

from auth import tokens
from auth.proofs import ONE_FACTOR, PHISHING_RESISTANT
from core import clock
from core.db import statement
from core.web.principals import Principal
from tests.wallet.conftest import open_cash
from tests.wallet.doors import Door, sign_up
from tests.wallet.step_up.conftest import Payer, code_of

BODY: dict[str, Any] = {"pay_out_to": {"holder": "Ana Lima", "iban": "DE89370400440532013000"}}


def door_of(app: Flask, customer: Any, *, seconds: int, acr: str = ONE_FACTOR) -> Door:
    signed_in = int(clock.now().timestamp()) - seconds
    return Door(app, "/app/v1", tokens.APP, Principal("customer", customer, auth_time=signed_in, acr=acr))


@pytest.fixture
def ana(app: Flask) -> Any:
    """A customer with $7.00 and no passkey."""
    customer_id = sign_up()
    with statement() as connection:
        open_cash(connection, 700, customer_id=customer_id)
    return customer_id


def test_an_old_sign_in_does_not_pay_everything_out(app: Flask, ana: Any) -> None:
    answer = door_of(app, ana, seconds=302).ask("POST", "/wallet/closure", BODY)

    assert code_of(answer) == (401, "step_up_required")
    assert door_of(app, ana, seconds=302).ask("GET", "/wallet/status").json == {"status": "open"}


def test_a_fresh_one_does_and_its_retry_is_answered_later_too(app: Flask, ana: Any) -> None:
    first = door_of(app, ana, seconds=290).ask("POST", "/wallet/closure", BODY, key="k")
    again = door_of(app, ana, seconds=1_000).ask("POST", "/wallet/closure", BODY, key="k")

    assert first.status_code == 201, first.json
    assert again.json == first.json


def test_who_has_a_passkey_pays_out_by_it(app: Flask, ada: Payer) -> None:
    weak = door_of(app, ada.door.id, seconds=0).ask("POST", "/wallet/closure", BODY)
    strong = door_of(app, ada.door.id, seconds=0, acr=PHISHING_RESISTANT).ask("POST", "/wallet/closure", BODY)

    assert code_of(weak) == (401, "step_up_required")
    assert strong.status_code == 201, strong.json


def test_an_empty_wallet_is_closed_by_any_sign_in(app: Flask) -> None:
    assert door_of(app, sign_up(), seconds=100_000).ask("POST", "/wallet/closure", {}).status_code == 201
