import random
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from auth.passkeys import registering
from auth.passkeys.errors import PasskeyRefused, PasskeysFull, PasskeyTaken
from auth.passkeys.models import Passkey
from auth.proofs import Owner
from core import crypto
from core.db import statement, transaction
from tests.auth.authenticator import PRESENT, VERIFIED, WITH_KEY, Authenticator, bytes_of, text_of
from tests.auth.passkeys.conftest import NOW, added, asked


def count() -> int:
    with statement() as connection:
        row = connection.execute("SELECT count(*) FROM auth.passkey").fetchone()
    assert row
    return int(row[0])


def test_a_device_makes_a_passkey(ada: Owner) -> None:
    device = Authenticator()

    made = added(ada, device)

    assert made.credential_id == device.id
    assert made.owner == ada
    assert made.approves_from == NOW
    assert made.transports == ["internal"]
    with transaction() as session:
        [kept] = registering.of(session, ada)
        assert kept.name is not None
        assert b"Ada" not in kept.name
        told = crypto.unseal(
            session, owner_id=ada.id, place=registering.NAME_PLACE, row_id=kept.id, ciphertext=kept.name
        )
    assert told == "Ada's phone"


def test_the_dialogue_is_told_nothing_of_who_it_is(ada: Owner) -> None:
    _, options = asked(ada)

    assert options["rp"] == {"name": "Pocketful", "id": "localhost"}
    assert options["user"]["name"] == "•••0142"
    assert ada.id.bytes not in bytes_of(options["user"]["id"])
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert [each["alg"] for each in options["pubKeyCredParams"]] == [-7, -8, -257]


def test_a_device_that_has_a_passkey_is_not_asked_for_another(ada: Owner) -> None:
    device = Authenticator()
    added(ada, device)

    _, options = asked(ada)

    assert [each["id"] for each in options["excludeCredentials"]] == [text_of(device.id)]


def test_a_passkey_of_a_weak_sign_in_waits_a_day(ada: Owner) -> None:
    assert added(ada, Authenticator(), is_trusted=False).approves_from == NOW + timedelta(hours=24)


@pytest.mark.parametrize(
    "bent",
    [
        {"flags": PRESENT | WITH_KEY},
        {"flags": VERIFIED | WITH_KEY},
        {"rp_id": "localhost.evil.example"},
        {"client_data": {"origin": "http://localhost:8001"}},
        {"client_data": {"origin": "https://evil.example"}},
        {"client_data": {"type": "webauthn.get"}},
        {"client_data": {"challenge": text_of(bytes(32))}},
        {"client_data": {"crossOrigin": True}},
        {"client_data": {"topOrigin": "https://evil.example"}},
        {"statement": {"sig": b"x"}},
        {"format": "packed"},
        {"cose": {1: 2, 3: -7, -1: 1, -2: bytes(32), -3: bytes(31)}},
        {"cose": {1: 2, 3: -999}},
    ],
    ids=lambda bent: str(bent)[:60],
)
def test_a_bent_registration_is_refused(ada: Owner, bent: dict[str, Any]) -> None:
    with pytest.raises(PasskeyRefused):
        added(ada, Authenticator(), **bent)

    assert count() == 0


@pytest.mark.parametrize(
    "credential",
    [None, [], "", 5, {}, {"id": 1}, {"rawId": "é"}, {"id": "a", "rawId": "a", "type": "public-key", "response": {}}],
    ids=str,
)
def test_what_is_no_credential_is_refused(ada: Owner, credential: Any) -> None:
    ceremony_id, _ = asked(ada)

    with pytest.raises(PasskeyRefused), transaction() as session:
        registering.add(session, ada, ceremony_id, credential, name=None, is_trusted=True, now=NOW)


def test_garbled_registrations_are_never_an_error(ada: Owner) -> None:
    """Nothing signs a registration without attestation, so that some bits may be others: then it is another key."""
    chance, (ceremony_id, options) = random.Random(2), asked(ada)
    good, refused = Authenticator().create(options), 0
    for number in range(150):
        raw = bytearray(bytes_of(good["response"]["attestationObject"]))
        if number % 3 == 0:
            raw = raw[: chance.randrange(len(raw))]
        elif number % 3 == 1:
            raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
        else:
            raw[chance.randrange(len(raw)) :] = chance.randbytes(chance.randrange(200))
        bent = {**good, "response": {**good["response"], "attestationObject": text_of(bytes(raw))}}
        with transaction() as session:
            try:
                registering.add(session, ada, ceremony_id, bent, name=None, is_trusted=True, now=NOW)
            except PasskeyRefused:
                refused += 1
            session.rollback()

    assert refused > 100
    assert count() == 0


def test_a_challenge_makes_one_passkey(ada: Owner) -> None:
    ceremony_id, options = asked(ada)
    add(ada, ceremony_id, Authenticator().create(options))

    with pytest.raises(PasskeyRefused):
        add(ada, ceremony_id, Authenticator().create(options))


def test_a_challenge_is_its_owners(ada: Owner, bob: Owner) -> None:
    ceremony_id, options = asked(ada)

    with pytest.raises(PasskeyRefused):
        add(bob, ceremony_id, Authenticator().create(options))


@pytest.mark.parametrize("seconds", [299, 300])
def test_a_challenge_lasts_five_minutes(ada: Owner, seconds: int) -> None:
    ceremony_id, options = asked(ada)
    later = NOW + timedelta(seconds=seconds)

    with transaction() as session:
        made = Authenticator().create(options)
        if seconds == 299:
            registering.add(session, ada, ceremony_id, made, name=None, is_trusted=True, now=later)
        else:
            with pytest.raises(PasskeyRefused):
                registering.add(session, ada, ceremony_id, made, name=None, is_trusted=True, now=later)


def test_a_credential_is_one_owners(ada: Owner, bob: Owner) -> None:
    device = Authenticator()
    added(ada, device)

    with pytest.raises(PasskeyTaken):
        added(bob, device)


def test_twenty_passkeys_are_the_most(ada: Owner) -> None:
    waiting = asked(ada)
    for _ in range(registering.MOST):
        added(ada, Authenticator())

    with pytest.raises(PasskeysFull):
        asked(ada)
    with pytest.raises(PasskeysFull):
        add(ada, waiting[0], Authenticator().create(waiting[1]))
    assert count() == registering.MOST


def add(owner: Owner, ceremony_id: UUID, credential: dict[str, Any]) -> Passkey:
    with transaction() as session:
        return registering.add(session, owner, ceremony_id, credential, name=None, is_trusted=True, now=NOW)
