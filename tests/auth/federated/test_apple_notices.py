"""What Apple tells of itself."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient

from auth import customers
from auth.federated import checking, identities
from core import clock
from core.db import transaction
from tests.auth.conftest import Watch
from tests.standins.identity_provider import CLIENT_IDS, ISSUERS, IdentityProvider, SigningKey

PATH = "/hooks/apple"


@pytest.fixture
def ada(app: Flask, watch: Watch, provider: IdentityProvider) -> UUID:
    """A customer who has linked an identity at Apple."""
    nonce = b"n" * 32
    token = provider.id_token("apple", "ada", checking.spell(nonce), now=clock.now())
    claimed = checking.check("apple", token, nonce=nonce, now=clock.now())
    assert claimed
    with transaction() as session:
        known = customers.sign_up(session, phone="+12125550142", locale=None, time_zone=None, now=clock.now())
        identities.link(session, known.id, claimed, now=clock.now())
    return known.id


def notice(provider: IdentityProvider, kind: str, *, key: SigningKey | None = None, **changes: Any) -> dict[str, Any]:
    key = key or provider.keys[0]
    event = {"type": kind, "sub": "ada", "event_time": int(clock.now().timestamp() * 1000)}
    claims = {
        "iss": ISSUERS["apple"],
        "aud": CLIENT_IDS["apple"],
        "iat": int(clock.now().timestamp()),
        "jti": "one",
        "events": json.dumps(event),
    } | changes
    said = {name: value for name, value in claims.items() if value is not None}
    return {"payload": jwt.encode(said, key.private, algorithm="RS256", headers={"kid": key.kid})}


def is_linked(customer_id: UUID) -> bool:
    with transaction() as session:
        return bool(identities.of_customer(session, customer_id))


@pytest.mark.parametrize("kind", ["consent-revoked", "account-delete", "account-deleted"])
def test_a_link_that_was_ended_at_apple_is_ended_here(
    client: FlaskClient, ada: UUID, provider: IdentityProvider, kind: str
) -> None:
    told = notice(provider, kind)

    assert [client.post(PATH, json=told).status_code for _ in range(2)] == [204, 204]
    assert not is_linked(ada)


@pytest.mark.parametrize("kind", ["email-disabled", "email-enabled", "something-new"])
def test_other_news_changes_nothing(client: FlaskClient, ada: UUID, provider: IdentityProvider, kind: str) -> None:
    assert client.post(PATH, json=notice(provider, kind)).status_code == 204
    assert is_linked(ada)


def test_an_old_notice_ends_no_newer_link(
    client: FlaskClient, ada: UUID, provider: IdentityProvider, watch: Watch
) -> None:
    old = notice(provider, "consent-revoked", iat=int(clock.now().timestamp()) - 1)

    assert client.post(PATH, json=old).status_code == 204
    assert is_linked(ada)


def test_a_notice_about_a_stranger_changes_nothing(client: FlaskClient, ada: UUID, provider: IdentityProvider) -> None:
    event = json.dumps({"type": "account-delete", "sub": "eve"})

    assert client.post(PATH, json=notice(provider, "account-delete", events=event)).status_code == 204
    assert is_linked(ada)


def test_what_apple_did_not_sign_for_us_is_refused(
    client: FlaskClient, ada: UUID, provider: IdentityProvider, watch: Watch
) -> None:
    ahead = int((clock.now() + timedelta(seconds=62)).timestamp())
    good = notice(provider, "account-delete")["payload"]
    bodies: list[Any] = [
        notice(provider, "account-delete", key=SigningKey("first")),
        notice(provider, "account-delete", iss="https://accounts.google.com"),
        notice(provider, "account-delete", aud="another.app"),
        notice(provider, "account-delete", aud=[CLIENT_IDS["apple"]]),
        notice(provider, "account-delete", iat=ahead),
        notice(provider, "account-delete", iat=None),
        notice(provider, "account-delete", iat=-(2**70)),
        notice(provider, "account-delete", events=None),
        notice(provider, "account-delete", events="nonsense"),
        notice(provider, "account-delete", events="[]"),
        notice(provider, "account-delete", events='{"type": "account-delete", "sub": 5}'),
        notice(provider, "account-delete", events={"type": "account-delete", "sub": "ada"}),
        {"payload": provider.id_token("apple", "ada", "nonce", now=clock.now())},
        {"payload": good[:-4] + "AAAA"},
        {"payload": "a" * 9_000},
        {"payload": "☃"},
        {"payload": 5},
        {"payload": None},
        {},
        [],
        "payload",
    ]

    for body in bodies:
        answer = client.post(PATH, json=body)
        assert (answer.status_code, answer.json["code"]) == (403, "bad_signature"), body
    assert client.post(PATH, data=b"\xff{").status_code == 403
    assert is_linked(ada)
