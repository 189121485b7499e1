"""Where a sign-in is bound to a device's key, only that device steps up."""

from typing import Any

import pytest

from tests.auth.authenticator import Authenticator
from tests.auth.conftest import CLIENT, VERIFIER, Phone
from tests.auth.dpop.prover import Prover


@pytest.fixture
def prover() -> Prover:
    return Prover()


def sign_in(phone: Phone, prover: Prover | None) -> str:
    form = {**CLIENT, "grant_type": "authorization_code", "code": phone.authorization_code(), "code_verifier": VERIFIER}
    headers = {"DPoP": prover.proof("POST", "/oauth/token")} if prover else {}
    answer = phone.client.post("/oauth/token", data=form, headers=headers)
    assert answer.status_code == 200, answer.json
    return str(answer.json["access_token"])


def ask(phone: Phone, token: str, method: str, path: str, prover: Prover | None = None, body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    if prover is not None:
        headers["DPoP"] = prover.proof(method, path, access_token=token)
    return phone.client.open(path, method=method, json=body, headers=headers)


def test_a_bound_sign_in_makes_a_passkey_and_approves_with_its_key(phone: Phone, prover: Prover) -> None:
    token, device = sign_in(phone, prover), Authenticator()

    begun = ask(phone, token, "POST", "/app/v1/passkeys/options", prover)
    assert begun.status_code == 200, begun.json
    made = {"ceremony_id": begun.json["ceremony_id"], "credential": device.create(begun.json["passkey"])}
    assert ask(phone, token, "POST", "/app/v1/passkeys", prover, made).status_code == 201
    wish = {"purpose": "gift_card", "amount": {"amount_minor": 100, "currency": "USD"}}
    asked = ask(phone, token, "POST", "/app/v1/approvals", prover, wish)
    assert asked.status_code == 201, asked.json
    path, proof = f"/app/v1/approvals/{asked.json['id']}/proof", {"credential": device.get(asked.json["passkey"])}

    without = ask(phone, token, "PUT", path, None, proof)
    by_another = ask(phone, token, "PUT", path, Prover(), proof)
    by_its_own = ask(phone, token, "PUT", path, prover, proof)

    assert (without.status_code, without.json["code"]) == (401, "dpop_needed")
    assert (by_another.status_code, by_another.json["code"]) == (401, "dpop_proof_invalid")
    assert (by_its_own.status_code, by_its_own.json["status"]) == (200, "approved")


@pytest.mark.parametrize("path", ["/app/v1/passkeys/options", "/app/v1/approvals"])
def test_a_bound_sign_in_does_not_begin_without_its_key(phone: Phone, prover: Prover, path: str) -> None:
    token = sign_in(phone, prover)
    wish = {"purpose": "gift_card", "amount": {"amount_minor": 100, "currency": "USD"}}

    answer = ask(phone, token, "POST", path, body=wish if "approvals" in path else None)

    assert (answer.status_code, answer.json["code"]) == (401, "dpop_needed")


def test_a_sign_in_that_is_not_bound_is_asked_for_no_key(phone: Phone) -> None:
    token = sign_in(phone, None)

    assert ask(phone, token, "POST", "/app/v1/passkeys/options").status_code == 200
