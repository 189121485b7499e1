"""The doors and DPoP: what is bound to a key is good for nothing without it."""

from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from auth import customers, tokens
from core import clock
from core.db import transaction
from core.web.principals import Principal
from tests.auth.dpop.prover import Prover

PATH = "/app/v1/me"


@pytest.fixture
def prover() -> Prover:
    return Prover()


def minted(jkt: bytes | None) -> str:
    now = clock.now()
    with transaction() as session:
        customer = customers.sign_up(session, phone="+12125550142", locale=None, time_zone=None, now=now)
    who = Principal(kind="customer", id=customer.id)
    return tokens.mint(who, audience=tokens.APP, client_id="an-app", now=now, jkt=jkt)


def get(client: FlaskClient, scheme: str, token: str, proof: str = "", path: str = PATH) -> Any:
    headers = {"Authorization": f"{scheme} {token}", **({"DPoP": proof} if proof else {})}
    return client.get(path, headers=headers)


def refused(answer: Any) -> tuple[int, str, str]:
    return answer.status_code, answer.json["code"], answer.headers["WWW-Authenticate"].split()[0]


def test_a_bound_token_works_with_its_proof_once(client: FlaskClient, prover: Prover) -> None:
    token = minted(prover.jkt)
    proof = prover.proof("GET", PATH, access_token=token)

    assert get(client, "DPoP", token, proof).status_code == 200
    again = get(client, "DPoP", token, proof)
    assert refused(again) == (401, "dpop_proof_invalid", "DPoP")
    assert 'error="invalid_dpop_proof"' in again.headers["WWW-Authenticate"]
    assert get(client, "dpop", token, prover.proof("GET", PATH, access_token=token)).status_code == 200


def test_a_bound_token_is_good_for_nothing_as_bearer(client: FlaskClient, prover: Prover) -> None:
    token = minted(prover.jkt)

    assert refused(get(client, "Bearer", token)) == (401, "token_refused", "Bearer")
    proof = prover.proof("GET", PATH, access_token=token)
    assert refused(get(client, "Bearer", token, proof)) == (401, "token_refused", "Bearer")
    assert get(client, "DPoP", token, proof).status_code == 200  # which was not used up by being refused


def test_a_token_that_is_not_bound_does_not_come_by_dpop(client: FlaskClient, prover: Prover) -> None:
    token = minted(None)

    answer = get(client, "DPoP", token, prover.proof("GET", PATH, access_token=token))

    assert refused(answer) == (401, "token_refused", "DPoP")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_a_bound_token_wants_the_proof_of_this_request_by_its_key(client: FlaskClient, prover: Prover) -> None:
    token, other = minted(prover.jkt), minted(prover.jkt)

    for proof in (
        "",
        Prover().proof("GET", PATH, access_token=token),
        prover.proof("GET", PATH, access_token=other),
        prover.proof("GET", PATH),
        prover.proof("POST", PATH, access_token=token),
        prover.proof("GET", "/app/v1/home", access_token=token),
        "nonsense",
    ):
        assert refused(get(client, "DPoP", token, proof)) == (401, "dpop_proof_invalid", "DPoP")


def test_two_proofs_are_none(app: Flask, client: FlaskClient, prover: Prover) -> None:
    token = minted(prover.jkt)
    proofs = [("DPoP", prover.proof("GET", PATH, access_token=token)) for _ in range(2)]

    answer = client.get(PATH, headers=[("Authorization", f"DPoP {token}"), *proofs])

    assert refused(answer) == (401, "dpop_proof_invalid", "DPoP")


def test_the_query_is_no_part_of_what_is_proved(client: FlaskClient, prover: Prover) -> None:
    token = minted(prover.jkt)

    assert get(client, "DPoP", token, prover.proof("GET", PATH, access_token=token), PATH + "?a=b").status_code == 200


def test_a_proof_alone_lets_nobody_in(client: FlaskClient, prover: Prover) -> None:
    answer = client.get(PATH, headers={"DPoP": prover.proof("GET", PATH)})

    assert answer.status_code == 401
    assert get(client, "DPoP", str(uuid4()), prover.proof("GET", PATH)).status_code == 401
