"""What an id_token of Apple's or Google's has to be."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from auth.federated import checking, providers
from auth.federated.checking import Claimed
from core.errors import ConfigurationError
from core.gateways.key_sets import KeysUnavailable
from core.settings import Settings
from tests.standins.identity_provider import CLIENT_IDS, IdentityProvider, SigningKey

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NONCE = b"n" * 32
SPELT = checking.spell(NONCE)
NAMES = ("apple", "google")


def check(name: str, token: str, nonce: bytes = NONCE, now: datetime = NOW) -> Claimed | None:
    return checking.check(name, token, nonce=nonce, now=now)


@pytest.mark.parametrize("name", NAMES)
def test_a_good_token_says_who_somebody_is_there(provider: IdentityProvider, name: str) -> None:
    claimed = check(name, provider.id_token(name, "ada", SPELT, now=NOW))

    assert claimed
    assert (claimed.provider, claimed.client_id, claimed.email) == (name, CLIENT_IDS[name], "ada@example.com")
    assert Claimed.read(claimed.written()) == claimed


def test_somebody_is_known_by_issuer_and_subject_never_by_e_mail(provider: IdentityProvider) -> None:
    first = check("google", provider.id_token("google", "ada", SPELT, now=NOW))
    same = check("google", provider.id_token("google", "ada", SPELT, now=NOW, email="new@example.com"))
    heir = check("google", provider.id_token("google", "eve", SPELT, now=NOW, email="ada@example.com"))
    elsewhere = check("apple", provider.id_token("apple", "ada", SPELT, now=NOW))

    assert first and same and heir and elsewhere
    assert first.subject_index == same.subject_index
    assert len({first.subject_index, heir.subject_index, elsewhere.subject_index}) == 3


def test_both_spellings_of_googles_issuer_are_one(provider: IdentityProvider) -> None:
    one = check("google", provider.id_token("google", "ada", SPELT, now=NOW))
    other = check("google", provider.id_token("google", "ada", SPELT, now=NOW, iss="accounts.google.com"))

    assert one and other and one.subject_index == other.subject_index


def test_the_nonce_may_come_hashed_as_apples_sdks_are_given_it(provider: IdentityProvider) -> None:
    hashed = hashlib.sha256(SPELT.encode()).hexdigest()

    assert check("apple", provider.id_token("apple", "ada", hashed, now=NOW))
    assert check("apple", provider.id_token("apple", "ada", hashed[:-1], now=NOW)) is None


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://elsewhere.example"},
        {"iss": "https://appleid.apple.com/"},
        {"iss": "https://accounts.google.com"},
        {"iss": None},
        {"aud": "another.app"},
        {"aud": CLIENT_IDS["apple"] + "x"},
        {"aud": [CLIENT_IDS["apple"], "another.app"]},
        {"aud": [CLIENT_IDS["apple"]]},
        {"aud": None},
        {"azp": "another.app"},
        {"exp": int(NOW.timestamp())},
        {"exp": None},
        {"exp": str(2**40)},
        {"exp": 4e12},
        {"iat": int(NOW.timestamp()) + 61},
        {"iat": None},
        {"nonce": "another"},
        {"nonce": ""},
        {"nonce": None},
        {"nonce": [SPELT]},
        {"nonce": "\ud800"},
        {"sub": ""},
        {"sub": "s" * 256},
        {"sub": None},
    ],
    ids=str,
)
def test_a_token_of_others_for_others_or_of_another_time_is_none(
    provider: IdentityProvider, change: dict[str, Any]
) -> None:
    assert check("apple", provider.id_token("apple", "ada", **{"nonce": SPELT, "now": NOW, **change})) is None


def test_what_is_just_good_enough(provider: IdentityProvider) -> None:
    token = provider.id_token("apple", "s" * 255, SPELT, now=NOW, aud="app.pocketful.web")

    assert check("apple", token, now=NOW + timedelta(minutes=10, seconds=-1))
    assert check("apple", token, now=NOW + timedelta(minutes=10)) is None
    assert check("apple", token, now=NOW - timedelta(seconds=60))
    assert check("apple", token, now=NOW - timedelta(seconds=61)) is None


def test_another_nonce_of_ours_is_not_answered(provider: IdentityProvider) -> None:
    assert check("apple", provider.id_token("apple", "ada", SPELT, now=NOW), nonce=b"m" * 32) is None


def test_googles_token_is_not_apples(provider: IdentityProvider) -> None:
    assert check("apple", provider.id_token("google", "ada", SPELT, now=NOW)) is None


def test_only_their_keys_sign(provider: IdentityProvider) -> None:
    strange = SigningKey("first")  # by name one of theirs
    public = provider.keys[0].private.public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    good = provider.id_token("apple", "ada", SPELT, now=NOW)
    claims = jwt.decode(good, options={"verify_signature": False})
    head, body, signature = good.split(".")
    hmac_key = "k" * 32

    for token in (
        provider.id_token("apple", "ada", SPELT, now=NOW, key=strange),
        jwt.encode(claims, None, algorithm="none", headers={"kid": "first"}),
        jwt.encode(claims, hmac_key, algorithm="HS256", headers={"kid": "first"}),
        jwt.encode(claims, provider.keys[0].private, algorithm="RS256"),
        jwt.encode(claims, provider.keys[0].private, algorithm="RS512", headers={"kid": "first"}),
        jwt.encode(claims, provider.keys[0].private, algorithm="PS256", headers={"kid": "first"}),
        jwt.encode(claims, strange.private, algorithm="RS256", headers={"kid": "first", "jwk": strange.jwk()}),
        jwt.encode(claims, strange.private, algorithm="RS256", headers={"kid": "../first", "jku": provider.url}),
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{head}.{body}",
        "",
        "☃",
        pem.decode(),
        "a" * 9_000,
    ):
        assert check("apple", token) is None, token[:60]


def test_an_address_that_was_not_checked_is_not_told(provider: IdentityProvider) -> None:
    for verified in (False, "false", None):
        claimed = check("google", provider.id_token("google", "ada", SPELT, now=NOW, email_verified=verified))
        assert claimed and claimed.email is None


def test_an_address_that_is_no_text_is_not_told(provider: IdentityProvider) -> None:
    claimed = check("google", provider.id_token("google", "ada", SPELT, now=NOW, email="\ud800@example.com"))

    assert claimed and claimed.email is None


def test_keys_are_fetched_once_and_again_for_a_new_one(
    provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = [1_000.0]
    monkeypatch.setattr("core.gateways.key_sets.time.monotonic", lambda: at[0])
    for _ in range(3):
        assert check("apple", provider.id_token("apple", "ada", SPELT, now=NOW))
    assert provider.fetched == 1

    provider.keys.append(SigningKey("second"))
    token = provider.id_token("apple", "ada", SPELT, now=NOW)
    at[0] += 59
    assert check("apple", token) is None  # who makes keys up does not have us ask each time
    assert provider.fetched == 1
    at[0] += 1
    assert check("apple", token)
    assert provider.fetched == 2


def test_known_keys_hold_while_they_cannot_be_fetched(
    provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = [1_000.0]
    monkeypatch.setattr("core.gateways.key_sets.time.monotonic", lambda: at[0])
    token = provider.id_token("apple", "ada", SPELT, now=NOW)
    assert check("apple", token)

    for broken in (
        b"{}",
        b"[]",
        b'{"keys": []}',
        b"nonsense",
        b'{"keys": [{"kty": "RSA", "kid": "first", "n": "!"}]}',
        b"x" * 70_000,
    ):
        provider.keys_answer = broken
        at[0] += 25 * 3600
        assert check("apple", token)
    assert provider.fetched == 7


def test_with_no_key_known_and_nobody_there_the_provider_is_away(
    provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = [1_000.0]
    monkeypatch.setattr("core.gateways.key_sets.time.monotonic", lambda: at[0])
    token = provider.id_token("apple", "ada", SPELT, now=NOW)
    provider.keys_answer = b"nonsense"

    for _ in range(3):
        with pytest.raises(KeysUnavailable):
            check("apple", token)
    assert provider.fetched == 1
    provider.keys_answer = None
    at[0] += 1
    assert check("apple", token)


def test_a_provider_that_is_not_set_up_is_none(provider: IdentityProvider) -> None:
    token = provider.id_token("apple", "ada", SPELT, now=NOW)
    providers.load(Settings(environment="test"))

    assert check("apple", token) is None
    assert check("facebook", token) is None


def test_a_key_that_is_none_stops_the_start() -> None:
    from dataclasses import replace

    for key in ("nonsense", "-----BEGIN PRIVATE KEY-----\\nAAAA\\n-----END PRIVATE KEY-----"):
        settings = replace(Settings(), apple_private_key=key, apple_team_id="T", apple_key_id="K")
        with pytest.raises(ConfigurationError):
            providers.load(settings)
    with pytest.raises(ConfigurationError):
        providers.load(replace(Settings(), apple_private_key="x"))
