import json
import random
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from auth.passkeys import asserting
from auth.passkeys.asserting import Asserted
from auth.proofs import Owner
from core.db import transaction
from tests.auth.authenticator import (
    IS_BACKED_UP,
    MAY_BE_BACKED_UP,
    PRESENT,
    VERIFIED,
    Authenticator,
    Key,
    bytes_of,
    text_of,
)
from tests.auth.passkeys.conftest import NOW, added

CHALLENGE = b"c" * 32


def checked(credential: Any, *, owner: Owner | None = None, challenge: bytes = CHALLENGE) -> Asserted | None:
    with transaction() as session:
        return asserting.check(session, credential, challenge=challenge, owner=owner, now=NOW)


def signed(device: Authenticator, **bent: Any) -> dict[str, Any]:
    return device.get(asserting.options(CHALLENGE, passkeys=None), **bent)


@pytest.fixture
def device(ada: Owner) -> Authenticator:
    device = Authenticator()
    added(ada, device)
    return device


def test_a_passkey_says_who_is_there(ada: Owner, device: Authenticator) -> None:
    found = checked(signed(device))

    assert found is not None
    assert found.owner == ada
    assert found.amr == ("hwk", "user")
    assert found.passkey.sign_count == 1
    assert found.passkey.used_at == NOW


@pytest.mark.parametrize(
    "key", [ed25519.Ed25519PrivateKey.generate(), rsa.generate_private_key(65537, 2048)], ids=["EdDSA", "RS256"]
)
def test_other_algorithms_that_we_offer_sign_in_too(ada: Owner, key: Key) -> None:
    device = Authenticator(key=key)
    added(ada, device)

    found = checked(signed(device))

    assert found is not None
    assert found.owner == ada


def test_a_copied_passkey_is_software(device: Authenticator) -> None:
    found = checked(signed(device, flags=PRESENT | VERIFIED | MAY_BE_BACKED_UP | IS_BACKED_UP))

    assert found is not None
    assert found.amr == ("swk", "user")


def test_the_options_ask_for_the_owner_in_person(ada: Owner, device: Authenticator) -> None:
    options = asserting.options(CHALLENGE, passkeys=None)

    assert options["rpId"] == "localhost"
    assert options["userVerification"] == "required"
    assert bytes_of(options["challenge"]) == CHALLENGE


def test_another_owners_passkey_is_refused(ada: Owner, bob: Owner, device: Authenticator) -> None:
    assert checked(signed(device), owner=bob) is None
    assert checked(signed(device), owner=ada) is not None


@pytest.mark.parametrize(
    "bent",
    [
        {"flags": PRESENT},
        {"flags": VERIFIED},
        {"flags": PRESENT | VERIFIED | IS_BACKED_UP},
        {"rp_id": "evil.example"},
        {"client_data": {"origin": "http://localhost:8001"}},
        {"client_data": {"origin": "http://localhost:8000/"}},
        {"client_data": {"origin": "http://127.0.0.1:8000"}},
        {"client_data": {"type": "webauthn.create"}},
        {"client_data": {"challenge": text_of(b"d" * 32)}},
        {"client_data": {"crossOrigin": True}},
        {"client_data": {"crossOrigin": "no"}},
        {"client_data": {"topOrigin": "https://evil.example"}},
        {"user_handle": b"somebody else's!"},
        {"user_handle": b""},
    ],
    ids=str,
)
def test_a_bent_answer_is_refused(device: Authenticator, bent: dict[str, Any]) -> None:
    assert checked(signed(device, **bent)) is None
    assert checked(signed(device)) is not None


def test_an_unknown_passkey_is_refused(ada: Owner) -> None:
    assert checked(signed(Authenticator())) is None


def test_another_devices_key_does_not_sign_for_a_passkey(device: Authenticator) -> None:
    assert checked(signed(Authenticator(id=device.id))) is None


def test_a_counter_that_does_not_grow_is_a_copys(device: Authenticator) -> None:
    assert checked(signed(device, counter=7)) is not None

    assert checked(signed(device, counter=6)) is None
    assert checked(signed(device, counter=7)) is None
    assert checked(signed(device, counter=0)) is None
    assert checked(signed(device, counter=8)) is not None


def test_a_platform_that_counts_nothing_is_let_in_again_and_again(ada: Owner) -> None:
    synced = Authenticator(counts=False)
    added(ada, synced)

    assert checked(signed(synced)) is not None
    assert checked(signed(synced)) is not None


def test_garbage_is_refused_and_never_an_error(device: Authenticator) -> None:
    chance, good = random.Random(1), signed(device)
    for _ in range(300):
        bent = json.loads(json.dumps(good))
        part = chance.choice(["clientDataJSON", "authenticatorData", "signature"])
        raw = bytearray(bytes_of(bent["response"][part]))
        match chance.randrange(4):
            case 0:
                raw = raw[: chance.randrange(len(raw))]
            case 1:
                raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
            case 2:
                raw += chance.randbytes(chance.randrange(1, 40))
            case _:
                raw = bytearray(chance.randbytes(chance.randrange(80)))
        odd = ["é", "===", "\ud800", '"', "a" * 5, None, 7, [], {}]
        bent["response"][part] = text_of(bytes(raw)) if chance.random() < 0.8 else chance.choice(odd)
        assert checked(bent) is None, bent


@pytest.mark.parametrize(
    "credential",
    [None, [], "", "{}", 5, {}, {"rawId": "é"}, {"rawId": ""}, {"rawId": None}, {"rawId": "A" * 30_000}],
    ids=lambda given: str(given)[:20],
)
def test_what_is_no_credential_is_refused(database: None, credential: Any) -> None:
    assert checked(credential) is None


def test_brackets_in_brackets_are_refused(device: Authenticator) -> None:
    deep: list[Any] = []
    for _ in range(5_000):
        deep = [deep]

    assert checked({**signed(device), "response": deep}) is None


def test_a_response_of_another_shape_is_refused(device: Authenticator) -> None:
    for response in (None, [], "x", {}, {"clientDataJSON": "e30"}):
        assert checked({**signed(device), "response": response}) is None
