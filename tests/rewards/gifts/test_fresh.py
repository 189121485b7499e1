"""Gift cards that are worth much are given away after a fresh sign-in alone."""

from typing import Any

import pytest
from flask import Flask

from auth import tokens
from auth.proofs import ONE_FACTOR, PHISHING_RESISTANT
from core import clock
from core.web.principals import Principal
from tests.wallet.doors import Door
from tests.wallet.step_up.conftest import Payer, ada, code_of, rules, usd

__all__ = ["ada", "rules"]

MOST = 15_000  # of a sending, in USD: what the product ships with


def bought(ada: Payer, amount_minor: int) -> str:
    card = ada.door.ask("POST", "/gift-cards", {"amount": usd(amount_minor)}).json
    assert card is not None
    return str(card["id"])


def give(app: Flask, ada: Payer, card_id: str, *, seconds: int, acr: str = PHISHING_RESISTANT) -> Any:
    signed_in = int(clock.now().timestamp()) - seconds
    who = Principal("customer", ada.door.id, auth_time=signed_in, acr=acr)
    return Door(app, "/app/v1", tokens.APP, who).ask("POST", f"/vouchers/{card_id}/gifts", {"phone": "+12025550149"})


@pytest.mark.parametrize(
    ("seconds", "acr", "code"),
    [
        (290, PHISHING_RESISTANT, (201, "")),
        (302, PHISHING_RESISTANT, (401, "step_up_required")),
        (0, ONE_FACTOR, (401, "step_up_required")),
    ],
)
def test_a_card_over_the_limit_of_sendings_asks_for_a_fresh_sign_in(
    app: Flask, ada: Payer, seconds: int, acr: str, code: tuple[int, str]
) -> None:
    assert code_of(give(app, ada, bought(ada, MOST + 1), seconds=seconds, acr=acr)) == code


def test_a_card_at_the_limit_asks_for_none(app: Flask, ada: Payer) -> None:
    assert give(app, ada, bought(ada, MOST), seconds=100_000, acr="").status_code == 201


def test_a_card_that_was_refused_is_still_its_owners(app: Flask, ada: Payer) -> None:
    card_id = bought(ada, MOST + 1)
    give(app, ada, card_id, seconds=302)

    shown = ada.door.ask("GET", f"/vouchers/{card_id}").json

    assert shown is not None
    assert shown["state"] == "active"
