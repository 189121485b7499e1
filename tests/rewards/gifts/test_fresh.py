"""Gift cards that are worth much are given away after a fresh sign-in alone."""

from typing import Any

import pytest
from flask import Flask

from auth import sessions, tokens
from auth.oauth import clients, families
from auth.proofs import ONE_FACTOR, PHISHING_RESISTANT, Owner, Proved
from core import clock
from core.db import transaction
from core.web.principals import Principal
from tests.auth.dpop.prover import Prover
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


def test_where_the_sign_in_is_bound_to_a_key_it_is_needed_too(app: Flask, ada: Payer) -> None:
    """Or a stolen access token would do that is fresh enough."""
    card_id, key, at = bought(ada, MOST + 1), Prover(), clock.now()
    owner = Owner(customer_id=ada.door.id)
    proved = Proved(owner=owner, auth_time=at, acr=PHISHING_RESISTANT, amr=("hwk", "user"))
    with transaction() as session:
        client = clients.find("pocketful-app")
        assert client is not None
        begun = sessions.begin(session, proved=proved, kind="app", client_id=client.client_id, now=at)
        grant = families.begin(
            session, client=client, proved=proved, session_id=begun.id, scope="", jkt=key.jkt, now=at
        )  # fmt: skip
    who = Principal(
        "customer", owner.id, family_id=grant.family_id, auth_time=int(at.timestamp()), acr=PHISHING_RESISTANT
    )  # fmt: skip
    door, path = Door(app, "/app/v1", tokens.APP, who), f"/vouchers/{card_id}/gifts"
    proof = key.proof("POST", f"/app/v1{path}", access_token=door.headers["Authorization"].partition(" ")[2])

    assert door.code("POST", path, {"phone": "+12025550149"}) == (401, "dpop_needed")
    assert door.code("POST", f"/vouchers/{bought(ada, MOST)}/gifts", {"phone": "+12025550149"}) == (201, "")
    door.headers["DPoP"] = proof
    assert door.code("POST", path, {"phone": "+12025550149"}) == (201, "")
