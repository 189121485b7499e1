"""Where a sign-in is bound to a device's key, only that device steps up."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.auth.authenticator import Authenticator
from tests.auth.conftest import CLIENT, VERIFIER, Phone
from tests.auth.dpop.prover import Prover

NOBODYS = UUID(int=1)


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
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())}
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


def test_a_bound_sign_in_does_nothing_that_asks_for_a_fresh_one_without_its_key(phone: Phone, prover: Prover) -> None:
    token = sign_in(phone, prover)
    bank = {"holder": "Ana Lima", "iban": "DE89370400440532013000"}
    asked: list[tuple[str, str, Any]] = [
        ("POST", "/passkeys/options", None),
        ("POST", "/passkeys", {"ceremony_id": str(NOBODYS), "credential": {}}),
        ("DELETE", f"/passkeys/{NOBODYS}", None),
        ("POST", "/approvals", {"purpose": "gift_card", "amount": {"amount_minor": 100, "currency": "USD"}}),
        ("PUT", f"/approvals/{NOBODYS}/proof", {"credential": {}}),
        ("PUT", "/me/phone", {"phone": "+12125550199"}),
        ("POST", "/identities", {"provider": "apple", "handle": "x", "id_token": "x"}),
        ("DELETE", f"/identities/{NOBODYS}", None),
        ("DELETE", "/sessions", None),
        ("POST", "/me/exports", None),
        ("GET", f"/me/exports/{NOBODYS}/file", None),
        ("POST", "/me/erasure", {"forfeit": []}),
        ("POST", "/wallet/closure", {"pay_out_to": bank}),
    ]

    told = {}
    for method, path, body in asked:
        answer = ask(phone, token, method, f"/app/v1{path}", body=body)
        told[method, path] = (answer.status_code, answer.json["code"])

    assert told == dict.fromkeys([(method, path) for method, path, _ in asked], (401, "dpop_needed"))


def test_a_sign_in_that_is_not_bound_is_asked_for_no_key(phone: Phone) -> None:
    token = sign_in(phone, None)

    assert ask(phone, token, "POST", "/app/v1/passkeys/options").status_code == 200
