"""A till signs what it redeems with its registered key."""

import json
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from flask import Flask

from core import clock
from tests.rewards.conftest import World
from tests.rewards.tills.conftest import SigningTill, signing_till, world_of


def body_of(world: World, reference: str = "R-1") -> bytes:
    ends = clock.now() + timedelta(days=1)
    generic = world.voucher(world.campaign(ends_at=ends, limit_per_customer=None), None)
    lines = [{"sku": "milk", "quantity": "1", "amount_minor": 2_000}]
    asked = {"code": generic.code, "basket": {"lines": lines}, "currency": "USD", "till_reference": reference}
    return json.dumps(asked).encode()


def test_signed_redemption_is_made_and_its_proof_kept(signing: SigningTill) -> None:
    world = world_of(signing)

    made = signing.send("POST", "/redemptions", body_of(world), key="k-1")

    assert made.status_code == 201, made.json
    [kept] = world.rows(
        "SELECT s.terminal_id, s.signed_text, s.key_fingerprint = t.key_fingerprint"
        " FROM rewards.terminal_signature s JOIN auth.terminal t ON t.id = s.terminal_id"
        " JOIN rewards.redemption r ON r.terminal_id = s.terminal_id AND r.request_key = s.request_key"
    )
    assert kept[0] == signing.principal.id
    assert str(kept[1]).split("\n")[1:4] == ["POST", "/merchant/v1/redemptions", "k-1"]
    assert kept[2] is True
    assert signing.send("PUT", "/reversals/R-1", key="").status_code == 200


@pytest.mark.parametrize(
    "changed", [{"method": "PUT"}, {"path": "/merchant/v1/checkouts"}, {"key": "k-2"}, {"body": b"{}"}]
)
def test_signature_of_another_request_is_refused(signing: SigningTill, changed: dict[str, object]) -> None:
    world = world_of(signing)

    refused = signing.send("POST", "/redemptions", body_of(world), key="k-1", signs=changed)

    assert (refused.status_code, refused.json["code"]) == (403, "signature_invalid")
    assert world.rows("SELECT FROM rewards.redemption") == world.rows("SELECT FROM rewards.terminal_signature") == []
    assert signing.send("POST", "/redemptions", body_of(world), key="k-1").status_code == 201


@pytest.mark.parametrize(
    "header",
    [
        "",
        "v1=",
        "t=1,v1=",
        "t=x,v1=AAAA",
        "t=1763797200,v1=A",
        "t=1,v1=AAAA,v1=AAAA",
        "t=999999999999,v1=AAAA",
    ],
)
def test_what_is_no_signature_is_refused(signing: SigningTill, header: str) -> None:
    refused = signing.send("POST", "/redemptions", body_of(world_of(signing)), header=header)

    assert (refused.status_code, refused.json["code"]) == (403, "signature_invalid")


@pytest.mark.parametrize(("late", "status"), [(-302, 403), (-290, 201), (290, 201), (302, 403)])
def test_signature_holds_for_five_minutes_either_way(app: Flask, late: int, status: int) -> None:
    till = signing_till(app, ed25519.Ed25519PrivateKey.generate())
    seconds = int(clock.now().timestamp()) + late

    assert till.send("POST", "/redemptions", body_of(world_of(till)), seconds=seconds).status_code == status


def test_another_terminals_key_does_not_sign(app: Flask) -> None:
    till, other = (signing_till(app, ed25519.Ed25519PrivateKey.generate()) for _ in range(2))
    till.key = other.key

    assert till.send("POST", "/redemptions", body_of(world_of(till))).json["code"] == "signature_invalid"


def test_unsigned_request_is_refused_where_signatures_are_required(app: Flask) -> None:
    till = signing_till(app, ed25519.Ed25519PrivateKey.generate())
    world, settings = world_of(till), app.extensions["settings"]
    body = body_of(world)
    assert till.post("/redemptions", json.loads(body)).status_code == 201

    app.extensions["settings"] = replace(settings, terminal_signatures="required")
    try:
        unsigned = till.post("/redemptions", json.loads(body_of(world, "R-2")))
        signed = till.send("POST", "/redemptions", body_of(world, "R-3"))
        reversal = till.put("/reversals/R-1", None)
    finally:
        app.extensions["settings"] = settings

    assert (unsigned.status_code, unsigned.json["code"]) == (403, "signature_required")
    assert signed.status_code == 201
    assert reversal.json["code"] == "signature_required"


def test_openssl_signs_as_the_guide_says(app: Flask, tmp_path: Path) -> None:
    def openssl(*words: str) -> bytes:
        return subprocess.run(["openssl", *words], cwd=tmp_path, check=True, capture_output=True).stdout

    openssl("genpkey", "-algorithm", "ed25519", "-out", "till.pem")
    private = serialization.load_pem_private_key((tmp_path / "till.pem").read_bytes(), None)
    assert isinstance(private, ed25519.Ed25519PrivateKey)
    till = signing_till(app, private)

    class ByOpenssl(SigningTill):
        def sign(self, text: str) -> str:
            (tmp_path / "text").write_text(text)
            openssl("pkeyutl", "-sign", "-inkey", "till.pem", "-rawin", "-in", "text", "-out", "signature")
            return openssl("base64", "-A", "-in", "signature").decode()

    by_hand = ByOpenssl(app, till.prefix, till.audience, till.principal)
    assert by_hand.send("POST", "/redemptions", body_of(world_of(till))).status_code == 201
