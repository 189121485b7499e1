"""A till enrols itself: it shows a code, staff type it, and from then on it comes in by its key."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from flask import Flask
from sqlalchemy import text

from auth import tokens
from core import clock
from core.db import transaction
from tests.auth.conftest import Watch
from tests.auth.device_grants.conftest import Device, person_with
from tests.auth.device_grants.proofs import proof
from tests.auth.places.conftest import Till


def enrol(app: Flask, user_code: str, store_id: UUID, name: str = "Till 1") -> Any:
    body = {"user_code": user_code, "store_id": str(store_id), "name": name}
    return person_with(app, "terminals.enrol").post("/terminals/enrolments", body)


@pytest.mark.parametrize("make", [ed25519.Ed25519PrivateKey.generate, lambda: ec.generate_private_key(ec.SECP256R1())])
def test_a_tills_whole_life(app: Flask, device: Device, store_id: UUID, watch: Watch, make: Any) -> None:
    device.key = make()
    told = device.ask().json
    assert device.poll(told["device_code"]).json["error"] == "authorization_pending"

    enrolled = enrol(app, told["user_code"], store_id)
    assert enrolled.status_code == 201, enrolled.json
    watch.move(seconds=5)
    first = device.poll(told["device_code"])

    assert first.status_code == 200, first.json
    assert first.json["client_id"] == enrolled.json["id"]
    headers = {"Authorization": f"Bearer {first.json['access_token']}"}
    assert device.client.get("/merchant/v1/store-code", headers=headers).status_code == 200
    principal = tokens.verify(first.json["access_token"], tokens.MERCHANT, now=clock.now())
    assert (principal.store_id, "refresh_token" in first.json) == (store_id, False)

    assert principal.merchant_id is not None and device.key is not None
    till = Till(device.client, principal.merchant_id, store_id, first.json["client_id"], device.key)
    watch.move(minutes=10)
    assert device.client.get("/merchant/v1/store-code", headers=headers).status_code == 401
    again = {"Authorization": f"Bearer {till.token()}"}
    assert device.client.get("/merchant/v1/store-code", headers=again).status_code == 200

    person = person_with(app, "terminals.write")
    assert person.put(f"/terminals/{till.id}/status", {"status": "revoked"}).status_code == 200
    assert device.client.get("/merchant/v1/store-code", headers=again).status_code == 401
    assert till.ask().json["error"] == "invalid_client"


def test_who_enrolled_a_till_is_told(app: Flask, device: Device, store_id: UUID) -> None:
    answer = enrol(app, device.ask().json["user_code"], store_id)

    assert answer.json["enrolled_by"].startswith("staff:")
    with transaction() as session:
        entry = session.execute(text("SELECT actor, action, target FROM core.audit_entry")).one()
    assert tuple(entry) == (answer.json["enrolled_by"], "terminal.enrol", f"terminal:{answer.json['id']}")


def test_a_till_has_to_prove_a_key(device: Device) -> None:
    device.key = None

    assert device.ask().json["error"] == "invalid_dpop_proof"


@pytest.mark.parametrize("changes", [{"htm": "GET"}, {"htu": "https://elsewhere.example/oauth/token"}, {"iat": 1}])
def test_a_bent_proof_is_refused(device: Device, changes: dict[str, Any]) -> None:
    assert device.key is not None
    headers = {"DPoP": proof(device.key, "/oauth/device_authorization", **changes)}

    answer = device.client.post("/oauth/device_authorization", data={"client_id": device.client_id}, headers=headers)

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_dpop_proof")  # type: ignore[index]


def test_another_key_gets_nothing_of_an_enrolment(app: Flask, device: Device, store_id: UUID, watch: Watch) -> None:
    told = device.ask().json
    enrol(app, told["user_code"], store_id)
    thief = Device(device.client)

    assert thief.poll(told["device_code"]).json["error"] == "invalid_grant"
    thief.key = None
    assert thief.poll(told["device_code"]).json["error"] == "invalid_grant"
    assert device.poll(told["device_code"]).status_code == 200


def test_an_enrolment_is_collected_once(app: Flask, device: Device, store_id: UUID, watch: Watch) -> None:
    told = device.ask().json
    enrol(app, told["user_code"], store_id)
    assert device.poll(told["device_code"]).status_code == 200
    watch.move(seconds=5)

    assert device.poll(told["device_code"]).json["error"] == "invalid_grant"
    assert enrol(app, told["user_code"], store_id).json["code"] == "user_code_unknown"


def test_a_key_is_enrolled_once(app: Flask, device: Device, store_id: UUID) -> None:
    codes = [device.ask().json["user_code"] for _ in range(2)]
    assert enrol(app, codes[0], store_id).status_code == 201

    answer = enrol(app, codes[1], store_id)

    assert (answer.status_code, answer.json["code"]) == (409, "public_key_taken")


def test_an_enrolment_that_fails_leaves_the_code_as_it_was(app: Flask, device: Device, store_id: UUID) -> None:
    code = device.ask().json["user_code"]

    assert enrol(app, code, uuid4()).json["code"] == "not_found"
    assert enrol(app, code, store_id).status_code == 201


def test_what_an_app_shows_is_no_tills_code(app: Flask, television: Device, store_id: UUID) -> None:
    answer = enrol(app, television.ask().json["user_code"], store_id)

    assert (answer.status_code, answer.json["code"]) == (422, "no_till")


def test_guessing_codes_is_stopped(app: Flask, device: Device, store_id: UUID, watch: Watch) -> None:
    watch.now = watch.now.replace(minute=0)
    code, person = device.ask().json["user_code"], person_with(app, "terminals.enrol")
    body = {"user_code": "BBBB-BBBB", "store_id": str(store_id), "name": "x"}
    answers = [person.post("/terminals/enrolments", body) for _ in range(11)]

    assert [answer.json["code"] for answer in answers] == ["user_code_unknown"] * 10 + ["user_codes_limited"]
    assert answers[10].status_code == 429 and int(answers[10].headers["Retry-After"]) > 3_000
    assert person.post("/terminals/enrolments", {**body, "user_code": code}).status_code == 429
    assert enrol(app, code, store_id).status_code == 201  # somebody else of staff


@pytest.mark.parametrize(
    "body", [{}, {"user_code": "x" * 21}, {"user_code": 7}, {"status": "active"}, {"merchant_id": "x"}]
)
def test_bad_enrolments_are_refused(app: Flask, store_id: UUID, body: dict[str, Any]) -> None:
    given = {"store_id": str(store_id), "name": "x", **body}

    assert person_with(app, "terminals.enrol").post("/terminals/enrolments", given).status_code == 422


def test_enrolling_takes_its_permission(app: Flask, device: Device, store_id: UUID) -> None:
    body = {"user_code": device.ask().json["user_code"], "store_id": str(store_id), "name": "x"}

    assert person_with(app, "terminals.write").post("/terminals/enrolments", body).status_code == 403
