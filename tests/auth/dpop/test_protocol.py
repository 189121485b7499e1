"""DPoP at the protocol's routes: whoever proves a key when signing in has to prove it from then on."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest
from flask import Flask

from auth.dpop import binding
from auth.dpop.errors import DpopNeeded, DpopProofInvalid
from auth.keys import ring
from auth.oauth import clients, metadata, pkce
from auth.sessions.exchanging import DEVICE_SECRET, ID_TOKEN
from auth.tokens import APP, verify
from core import clock
from core.settings import Settings
from tests.auth.conftest import CLIENT, PHONE, VERIFIER, Phone
from tests.auth.dpop.prover import Prover
from tests.auth.partners import client as added

TOKEN = "/oauth/token"
CHALLENGE = "/oauth/authorize-challenge"


@dataclass
class App:
    """An app that proves its key, or not, as it is told."""

    phone: Phone

    def post(self, path: str, proof: str | None, **form: str) -> Any:
        headers = {} if proof is None else {"DPoP": proof}
        return self.phone.client.post(path, data={**CLIENT, **form}, headers=headers)

    def code(self, prover: Prover | None) -> str:
        answer = self.post(CHALLENGE, proof_of(prover, CHALLENGE), **asked())
        otp = self.phone.read_code()
        session = answer.json["auth_session"]
        proved = self.post(CHALLENGE, proof_of(prover, CHALLENGE), auth_session=session, otp=otp)
        assert proved.status_code == 200, proved.json
        return str(proved.json["authorization_code"])

    def redeem(self, code: str, prover: Prover | None) -> Any:
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER}
        return self.post(TOKEN, proof_of(prover, TOKEN), **form)

    def sign_in(self, prover: Prover | None) -> dict[str, Any]:
        answer = self.redeem(self.code(prover), prover)
        assert answer.status_code == 200, answer.json
        found: dict[str, Any] = answer.json
        return found

    def refresh(self, token: str, prover: Prover | None, proof: str | None = None) -> Any:
        form = {"grant_type": "refresh_token", "refresh_token": token}
        return self.post(TOKEN, proof or proof_of(prover, TOKEN), **form)


def proof_of(prover: Prover | None, path: str) -> str | None:
    return prover.proof("POST", path) if prover else None


def asked() -> dict[str, str]:
    return {
        "login_hint": PHONE,
        "code_challenge": pkce.challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["error"]


@pytest.fixture
def an_app(phone: Phone) -> App:
    return App(phone)


@pytest.fixture
def prover() -> Prover:
    return Prover()


@pytest.fixture
def every_request() -> Iterator[None]:
    binding.load(replace(Settings(), dpop_every_request=True))
    clients.forget_known()
    yield
    binding.load(Settings())
    clients.forget_known()


def test_who_proves_no_key_is_bound_to_none(an_app: App, prover: Prover) -> None:
    signed_in = an_app.sign_in(None)

    assert signed_in["token_type"] == "Bearer"
    assert an_app.refresh(signed_in["refresh_token"], None).status_code == 200


def test_a_bound_refresh_token_wants_its_key(an_app: App, prover: Prover) -> None:
    token = an_app.sign_in(prover)["refresh_token"]

    assert refusal(an_app.refresh(token, None)) == (400, "invalid_dpop_proof")
    assert refusal(an_app.refresh(token, Prover())) == (400, "invalid_grant")
    good = an_app.refresh(token, prover)
    assert (good.status_code, good.json["token_type"]) == (200, "Bearer")


def test_another_key_is_no_theft_and_ends_nothing(an_app: App, prover: Prover) -> None:
    first = an_app.sign_in(prover)["refresh_token"]
    second = an_app.refresh(first, prover).json["refresh_token"]

    an_app.refresh(second, Prover())
    assert an_app.refresh(first, Prover()).status_code == 400
    assert an_app.refresh(second, prover).status_code == 200


def test_a_lost_reply_is_asked_for_again_by_the_same_key_alone(an_app: App, prover: Prover) -> None:
    first = an_app.sign_in(prover)["refresh_token"]
    second = an_app.refresh(first, prover).json["refresh_token"]

    assert refusal(an_app.refresh(first, None)) == (400, "invalid_dpop_proof")
    assert refusal(an_app.refresh(first, Prover())) == (400, "invalid_grant")
    assert an_app.refresh(first, prover).json["refresh_token"] == second


def test_a_proof_refreshes_once(an_app: App, prover: Prover) -> None:
    token = an_app.sign_in(prover)["refresh_token"]
    proof = prover.proof("POST", TOKEN)

    token = an_app.refresh(token, prover, proof).json["refresh_token"]

    assert refusal(an_app.refresh(token, prover, proof)) == (400, "invalid_dpop_proof")


def test_proofs_that_are_none_are_told_in_oauths_words(an_app: App, prover: Prover) -> None:
    token = an_app.sign_in(prover)["refresh_token"]

    for proof in (
        "nonsense",
        prover.proof("GET", TOKEN),
        prover.proof("POST", "/oauth/revoke"),
        prover.proof("POST", TOKEN, htu="https://elsewhere.example/oauth/token"),
        prover.proof("POST", TOKEN, iat=int(clock.now().timestamp()) - 61),
        f"{prover.proof('POST', TOKEN)}, {prover.proof('POST', TOKEN)}",
    ):
        assert refusal(an_app.refresh(token, prover, proof)) == (400, "invalid_dpop_proof")
    assert an_app.refresh(token, prover).status_code == 200


def test_a_code_is_redeemed_by_the_key_that_asked_for_it(an_app: App, prover: Prover) -> None:
    code = an_app.code(prover)

    assert refusal(an_app.redeem(code, Prover()))[0] == 400
    assert refusal(an_app.redeem(code, None))[0] == 400
    assert an_app.redeem(code, prover).status_code == 200


def test_the_key_cannot_be_changed_on_the_way(an_app: App, prover: Prover) -> None:
    answer = an_app.post(CHALLENGE, proof_of(prover, CHALLENGE), **asked())
    otp, session = an_app.phone.read_code(), answer.json["auth_session"]

    for other in (Prover(), None):
        changed = an_app.post(CHALLENGE, proof_of(other, CHALLENGE), auth_session=session, otp=otp)
        assert changed.status_code == 400
        assert "authorization_code" not in changed.json
    assert an_app.post(CHALLENGE, proof_of(prover, CHALLENGE), auth_session=session, otp=otp).status_code == 200


@pytest.mark.usefixtures("every_request")
def test_where_each_request_is_proved_tokens_are_bound(an_app: App, prover: Prover) -> None:
    signed_in = an_app.sign_in(prover)
    token = signed_in["access_token"]

    assert signed_in["token_type"] == "DPoP"
    assert verify(token, APP, now=clock.now()).bound_to == prover.jkt
    client = an_app.phone.client
    assert client.get("/app/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    proof = prover.proof("GET", "/app/v1/me", access_token=token)
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
    assert client.get("/app/v1/me", headers=headers).status_code == 200
    assert an_app.refresh(signed_in["refresh_token"], prover).json["token_type"] == "DPoP"


@pytest.mark.usefixtures("every_request")
def test_where_each_request_is_proved_nobody_comes_in_without_a_key(an_app: App) -> None:
    assert refusal(an_app.post(CHALLENGE, None, **asked())) == (400, "invalid_dpop_proof")


@pytest.fixture
def second(app: Flask, sweeper: psycopg.Connection) -> Iterator[str]:
    """Another app of the brand's, which binds nothing by itself."""
    grants = ["authorization_code", "refresh_token", metadata.EXCHANGE_GRANT]
    with added(
        sweeper, "second-app", kind="app", audience="app", sso_group="brand", grant_types=grants,
        scopes=["openid", "device_sso"],
    ):  # fmt: skip
        yield "second-app"


@pytest.mark.usefixtures("every_request")
def test_where_each_request_is_proved_a_second_app_proves_its_own_key(an_app: App, prover: Prover, second: str) -> None:
    answer = an_app.post(CHALLENGE, proof_of(prover, CHALLENGE), **asked(), scope="openid device_sso")
    session, otp = answer.json["auth_session"], an_app.phone.read_code()
    code = an_app.post(CHALLENGE, proof_of(prover, CHALLENGE), auth_session=session, otp=otp).json["authorization_code"]
    first = an_app.redeem(code, prover).json
    form = {
        "grant_type": metadata.EXCHANGE_GRANT, "client_id": second, "audience": ring.issuer(),
        "subject_token": first["id_token"], "subject_token_type": ID_TOKEN,
        "actor_token": first["device_secret"], "actor_token_type": DEVICE_SECRET,
    }  # fmt: skip
    its_own = Prover()

    without = an_app.post(TOKEN, None, **form)
    told = an_app.post(TOKEN, proof_of(its_own, TOKEN), **form)

    assert refusal(without) == (400, "invalid_dpop_proof")
    assert (told.status_code, told.json["token_type"]) == (200, "DPoP")
    assert verify(told.json["access_token"], APP, now=clock.now()).bound_to == its_own.jkt


def demand(app: Flask, token: str, proof: str | None) -> None:
    headers = {"Authorization": f"Bearer {token}", **({"DPoP": proof} if proof else {})}
    with app.test_request_context("/app/v1/approvals", method="POST", headers=headers):
        binding.demand(verify(token, APP, now=clock.now()), clock.now())


def test_step_up_wants_the_key_that_the_sign_in_is_bound_to(an_app: App, app: Flask, prover: Prover) -> None:
    token = an_app.sign_in(prover)["access_token"]
    path = "/app/v1/approvals"
    proof = prover.proof("POST", path, access_token=token)

    with pytest.raises(DpopNeeded):
        demand(app, token, None)
    for bad in (
        Prover().proof("POST", path, access_token=token),
        prover.proof("POST", path),
        prover.proof("GET", path, access_token=token),
    ):
        with pytest.raises(DpopProofInvalid):
            demand(app, token, bad)
    demand(app, token, proof)
    with pytest.raises(DpopProofInvalid):
        demand(app, token, proof)


def test_step_up_asks_no_proof_of_who_is_bound_to_no_key(an_app: App, app: Flask) -> None:
    demand(app, an_app.sign_in(None)["access_token"], None)
