"""Offline tokens verify with other people's tools, and only what we signed and the phone showed just then is good."""

import base64
import io
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import jwt
import pytest
import zxingcpp
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from PIL import Image

from core.web.pictures import qr_png
from rewards.offline import signing, tokens
from rewards.offline.errors import OfflineProofInvalid, OfflineProofStale, OfflineTokenForged
from rewards.offline.tokens import STEP_SECONDS
from tests.rewards.conftest import NOW, World
from tests.rewards.offline.conftest import SIGNER, OfflineTill, Phone

OTHER_KEY = base64.b64encode(b"another key of thirty-two bytes.").decode()


@pytest.fixture
def token(shop: World, phone: Phone) -> str:
    return phone.fetch(shop.voucher(shop.campaign(min_spend_minor=1_000), phone.customer_id).id).token


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl here")
def test_openssl_verifies_a_token_and_refuses_a_changed_one(token: str, tmp_path: Path) -> None:
    [key] = SIGNER.key_set()
    public = ed25519.Ed25519PublicKey.from_public_bytes(signing.unb64url(key["x"]))
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    signed, _, signature = token.rpartition(".")
    (tmp_path / "key.pem").write_bytes(public.public_bytes(*form))
    (tmp_path / "signature").write_bytes(signing.unb64url(signature))

    def verified(text: str) -> bool:
        (tmp_path / "text").write_text(text)
        words = "openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in text -sigfile signature"
        return subprocess.run(words.split(), cwd=tmp_path, capture_output=True, check=False).returncode == 0

    assert verified(signed)
    assert not verified(signed[:-1] + ("A" if signed[-1] != "A" else "B"))


def test_any_jose_library_reads_a_token_by_the_published_keys(token: str) -> None:
    keys = jwt.PyJWKSet.from_dict({"keys": SIGNER.key_set()})
    kid = jwt.get_unverified_header(token)["kid"]

    claims = jwt.decode(token, keys[kid], algorithms=["EdDSA"], options={"verify_exp": False, "verify_iat": False})

    assert claims["discount"] == {"kind": "amount", "amount_minor": 500}
    assert (claims["currency"], claims["min_spend_minor"]) == ("USD", 1_000)
    assert claims["exp"] - claims["iat"] == 24 * 3_600


def test_independent_reader_reads_what_a_phone_shows(till: OfflineTill, phone: Phone, token: str) -> None:
    shown = phone.show(token)

    [read] = zxingcpp.read_barcodes(Image.open(io.BytesIO(qr_png(shown))))

    assert read.text == shown
    assert till.take(till.record(read.text)).state == "succeeded"


def test_largest_token_still_fits_a_qr_that_is_read(phone: Phone) -> None:
    shown = phone.show("x" * tokens.MOST_CHARACTERS)

    [read] = zxingcpp.read_barcodes(Image.open(io.BytesIO(qr_png(shown))))

    assert read.text == shown
    assert len(shown) < tokens.MOST_SCANNED


@pytest.mark.parametrize("make", [lambda: ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate])
def test_either_kind_of_key_shows_a_token(shop: World, till: OfflineTill, make: Callable[[], object]) -> None:
    phone = Phone(shop, shop.customer(), key=make())  # type: ignore[arg-type]
    phone.register()
    token = phone.fetch(shop.voucher(shop.campaign(), phone.customer_id).id)

    assert till.take(till.record(phone.show(token))).state == "succeeded"


def _resigned(token: str, change: Callable[[dict[str, object], dict[str, object]], None]) -> str:
    """The token with a changed header or changed claims, and its old signature."""
    parts = token.split(".")
    header, claims = (json.loads(signing.unb64url(part)) for part in parts[:2])
    change(header, claims)
    return ".".join([*(signing.b64url(json.dumps(each).encode()) for each in (header, claims)), parts[2]])


@pytest.mark.parametrize(
    "forge",
    [
        lambda token: _resigned(token, lambda header, claims: claims.update(exp=4_000_000_000)),
        lambda token: _resigned(token, lambda header, claims: header.update(alg="none")),
        lambda token: _resigned(token, lambda header, claims: header.update(alg="HS256")),
        lambda token: _resigned(token, lambda header, claims: header.update(kid="unknown")),
        lambda token: _resigned(token, lambda header, claims: header.update(kid=["a"])),
        lambda token: _resigned(token, lambda header, claims: header.update(typ="at+jwt")),
        lambda token: signing.signer(OTHER_KEY).sign(json.loads(signing.unb64url(token.split(".")[1]))),
        lambda token: SIGNER.sign({"jti": "none"}),
        lambda token: token.rpartition(".")[0] + ".",
        lambda token: token + "=",
        lambda token: token[:-10],
        lambda token: "a.b.c",
        lambda token: ".",
        lambda token: signing.b64url(b"[]") + ".e30." + "A" * 86,
        lambda token: signing.b64url(b"\xff\xfe") + ".e30." + "A" * 86,
    ],
    ids=["claims", "none", "HS256", "kid", "kid of a list", "type", "another key", "no claims", "no signature",
         "padded", "cut", "letters", "a dot", "a list", "no text"],
)  # fmt: skip
def test_forged_token_is_refused(phone: Phone, token: str, forge: Callable[[str], str]) -> None:
    with pytest.raises(OfflineTokenForged):
        tokens.read(phone.show(forge(token)), SIGNER)


@pytest.mark.parametrize("scanned", ["", "~~", "a~1~b~c", "é.b.c~1~x", "a.b.c~١~x", "a.b.c~-1~x", "PF-ABC-123"])
def test_what_is_no_token_is_refused(scanned: str) -> None:
    with pytest.raises(OfflineTokenForged):
        tokens.read(scanned, SIGNER)


def test_proof_of_another_phone_or_of_another_token_is_refused(shop: World, phone: Phone, token: str) -> None:
    thief = Phone(shop, phone.customer_id)
    another = phone.fetch(shop.voucher(shop.campaign(), phone.customer_id).id).token
    own = phone.show(token).partition("~")[2]

    for scanned in (thief.show(token), f"{another}~{own}", f"{token}~{tokens.step_at(NOW)}~AAAA", f"{token}~1~A"):
        with pytest.raises(OfflineProofInvalid):
            tokens.read(scanned, SIGNER).check_proof(NOW)


def test_another_step_on_an_old_proof_is_refused(phone: Phone, token: str) -> None:
    text, step, proof = phone.show(token).split("~")

    with pytest.raises(OfflineProofInvalid):
        tokens.read(f"{text}~{int(step) + 1}~{proof}", SIGNER).check_proof(NOW)


def test_screenshot_dies_within_a_minute(phone: Phone, token: str) -> None:
    step = tokens.step_at(NOW)
    shown = tokens.read(phone.show(token, step=step), SIGNER)
    begins = NOW.fromtimestamp(step * STEP_SECONDS, NOW.tzinfo)

    def holds(seconds: float) -> bool:
        try:
            shown.check_proof(NOW.fromtimestamp(begins.timestamp() + seconds, NOW.tzinfo))
        except OfflineProofStale:
            return False
        return True

    assert [holds(seconds) for seconds in (-30.001, -30, 0, 29.9, 59.999, 60)] == [False, True, True, True, True, False]


def test_signing_key_is_changed_without_a_gap(shop: World, till: OfflineTill, phone: Phone) -> None:
    old, both = signing.signer(OTHER_KEY), signing.signer(f"{OTHER_KEY},{_development_key()}")
    turned = signing.signer(f"{_development_key()},{OTHER_KEY}")
    token = phone.fetch(shop.voucher(shop.campaign(), phone.customer_id).id, signer=old)

    assert [each["kid"] for each in both.key_set()] == [old.kid, SIGNER.kid]
    assert [each["kid"] for each in turned.key_set()] == [SIGNER.kid, old.kid]
    assert tokens.read(phone.show(token), turned).token.id == token.id
    with pytest.raises(OfflineTokenForged):
        tokens.read(phone.show(token), SIGNER)
    # The token that lives is given again, signed by the new key.
    again = phone.fetch(token.voucher_id, signer=turned)
    assert again.id == token.id
    assert tokens.read(phone.show(again), SIGNER).token.id == token.id


def _development_key() -> str:
    return base64.b64encode(SIGNER.private.private_bytes_raw()).decode()
