"""What a device's own key binds: the code it asks for, the refresh tokens that come of it, each request perhaps."""

from typing import Any

import pytest
from flask import Flask

from auth.oauth import registering
from auth.oauth.models import Client as ClientRow
from core.db import transaction
from tests.auth.conftest import Watch
from tests.auth.dpop.prover import Prover
from tests.auth.oauth.conftest import registered
from tests.auth.oauth.granting import Relying, code_for, customer

TOKEN = "/oauth/token"


@pytest.fixture
def key() -> Prover:
    return Prover()


def a_partner(app: Flask, dpop: str) -> Relying:
    return Relying(app, *registered(dpop=dpop))


def redeem(partner: Relying, key: Prover | None, **code: Any) -> Any:
    given = code_for(partner.client_id, customer(), scope="openid offline_access", **code)
    partner.headers = {"DPoP": key.proof("POST", TOKEN)} if key else {}
    return partner.redeem(given)


def refresh(partner: Relying, token: str, key: Prover | None) -> Any:
    partner.headers = {"DPoP": key.proof("POST", TOKEN)} if key else {}
    return partner.refresh(token)


def assert_refused(answer: Any, error: str) -> None:
    assert (answer.status_code, answer.json["error"]) == (400, error)


def test_who_proves_a_key_when_signing_in_proves_it_at_each_refresh(app: Flask, watch: Watch, key: Prover) -> None:
    partner = a_partner(app, "offered")
    granted = redeem(partner, key).json
    assert granted["token_type"] == "Bearer"
    token = granted["refresh_token"]

    assert_refused(refresh(partner, token, None), "invalid_dpop_proof")
    assert_refused(refresh(partner, token, Prover()), "invalid_grant")

    # Neither was a theft's sign: the family lives, and its own key goes on.
    newer = refresh(partner, token, key)
    assert newer.status_code == 200
    assert refresh(partner, newer.json["refresh_token"], key).status_code == 200


def test_a_lost_answer_is_given_again_to_the_same_key_alone(app: Flask, watch: Watch, key: Prover) -> None:
    partner = a_partner(app, "offered")
    token = redeem(partner, key).json["refresh_token"]
    successor = refresh(partner, token, key).json["refresh_token"]

    assert_refused(refresh(partner, token, Prover()), "invalid_grant")
    assert refresh(partner, token, key).json["refresh_token"] == successor


def test_a_proof_works_once(app: Flask, watch: Watch, key: Prover) -> None:
    partner = a_partner(app, "offered")
    token = redeem(partner, key).json["refresh_token"]
    partner.headers = {"DPoP": key.proof("POST", TOKEN)}
    successor = partner.refresh(token).json["refresh_token"]

    assert_refused(partner.refresh(successor), "invalid_dpop_proof")


@pytest.mark.parametrize("level", ["required", "always"])
def test_what_was_bound_to_no_key_is_over_once_the_client_has_to_prove_one(
    app: Flask, watch: Watch, key: Prover, level: str
) -> None:
    partner = a_partner(app, "offered")
    unbound, bound = redeem(partner, None).json["refresh_token"], redeem(partner, key).json["refresh_token"]
    with transaction() as session:
        registering.change(
            session, partner.client_id, changes={"dpop": level}, by="x", may_be_local=True, now=watch.now
        )

    assert_refused(refresh(partner, unbound, key), "invalid_grant")
    assert refresh(partner, bound, key).status_code == 200


def test_a_client_of_which_a_key_is_asked_does_not_come_in_without(app: Flask, watch: Watch, key: Prover) -> None:
    partner = a_partner(app, "required")

    assert_refused(redeem(partner, None), "invalid_dpop_proof")
    assert redeem(partner, key).status_code == 200


def test_a_client_that_binds_nothing_may_send_a_proof_all_the_same(app: Flask, watch: Watch, key: Prover) -> None:
    partner = a_partner(app, "no")
    token = redeem(partner, key).json["refresh_token"]

    assert refresh(partner, token, None).status_code == 200


def test_a_code_that_was_asked_for_by_a_key_is_redeemed_by_it(app: Flask, watch: Watch, key: Prover) -> None:
    partner = a_partner(app, "offered")

    assert_refused(redeem(partner, None, jkt=key.jkt), "invalid_grant")
    assert_refused(redeem(partner, Prover(), jkt=key.jkt), "invalid_grant")
    assert redeem(partner, key, jkt=key.jkt).status_code == 200


def test_a_bound_access_token_is_nothing_without_its_key(app: Flask, watch: Watch, key: Prover) -> None:
    partner = a_partner(app, "always")
    granted = redeem(partner, key).json
    access_token = granted["access_token"]
    assert granted["token_type"] == "DPoP"

    def told(scheme: str, proof: str | None) -> int:
        headers = {"Authorization": f"{scheme} {access_token}", **({"DPoP": proof} if proof else {})}
        return app.test_client().get("/oauth/userinfo", headers=headers).status_code

    own = key.proof("GET", "/oauth/userinfo", access_token=access_token)
    assert told("Bearer", None) == 401
    assert told("Bearer", key.proof("GET", "/oauth/userinfo", access_token=access_token)) == 401
    assert told("DPoP", None) == 401
    assert told("DPoP", Prover().proof("GET", "/oauth/userinfo", access_token=access_token)) == 401
    assert told("DPoP", own) == 200
    assert told("DPoP", own) == 401
    partner.headers = {}
    assert partner.introspect(access_token).json["token_type"] == "DPoP"


def test_what_a_client_was_asked_later_holds_for_the_next_sign_in(app: Flask, watch: Watch, key: Prover) -> None:
    """A family that was begun without a key goes on without; who comes in anew proves one."""
    partner = a_partner(app, "no")
    token = redeem(partner, None).json["refresh_token"]
    with transaction() as session:
        session.get_one(ClientRow, partner.client_id).dpop = "offered"

    assert refresh(partner, token, key).status_code == 200
