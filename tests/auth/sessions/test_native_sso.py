"""Another app of the brand signs in without asking, by the device_secret that the apps share on the device."""

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from flask import Flask
from sqlalchemy import select, text

from auth import sessions, tokens
from auth.keys import ring
from auth.oauth import id_tokens, metadata
from auth.oauth.models import TokenFamily
from auth.sessions import device_secrets
from auth.sessions.exchanging import ACCESS_TOKEN, DEVICE_SECRET, ID_TOKEN
from auth.sessions.models import LoginSession
from core.db import transaction
from tests.auth.authorizing.conftest import Person, own_app
from tests.auth.conftest import Phone, Watch
from tests.auth.partners import client as added
from tests.stories.conftest import wait_until

__all__ = ["own_app"]

SCOPE = "openid device_sso"
GRANTS = ["authorization_code", "refresh_token", metadata.EXCHANGE_GRANT]
OTHER = "+12125550143"


@pytest.fixture
def second(app: Flask, sweeper: psycopg.Connection) -> Iterator[str]:
    """Another app of the brand's group."""
    with added(
        sweeper, "second-app", kind="app", audience="app", sso_group="brand", grant_types=GRANTS,
        scopes=["openid", "device_sso", "profile"], name="The second app",
    ):  # fmt: skip
        yield "second-app"


def first_app(phone: Phone, number: str = "+12125550142", **more: str) -> dict[str, Any]:
    auth_session = phone.ask(number, scope=SCOPE).json["auth_session"]
    code = phone.prove(auth_session, phone.read_code(number)).json["authorization_code"]
    answer = phone.post(
        "/oauth/token", grant_type="authorization_code", code=code, code_verifier="v" * 43, **more
    )  # fmt: skip
    assert answer.status_code == 200, answer.json
    found: dict[str, Any] = answer.json
    return found


def exchange(phone: Phone, client_id: str, told: dict[str, Any], /, **changes: str) -> Any:
    given = {
        "grant_type": metadata.EXCHANGE_GRANT,
        "client_id": client_id,
        "audience": tokens.issuer(),
        "subject_token": told["id_token"],
        "subject_token_type": ID_TOKEN,
        "actor_token": told["device_secret"],
        "actor_token_type": DEVICE_SECRET,
        "scope": "openid",
        **changes,
    }
    return phone.client.post("/oauth/token", data={name: value for name, value in given.items() if value})


def me(phone: Phone, told: dict[str, Any]) -> Any:
    return phone.client.get("/app/v1/me", headers={"Authorization": f"Bearer {told['access_token']}"})


def claims_of(id_token: str) -> dict[str, Any]:
    part = id_token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def forged(told: dict[str, Any], **changes: Any) -> str:
    """An id token of ours that says something else."""
    claims = {**claims_of(told["id_token"]), **changes}
    return ring.sign({name: value for name, value in claims.items() if value is not None}, typ="JWT", alg="ES256")


def test_a_second_app_is_signed_in_without_asking(phone: Phone, second: str) -> None:
    told = first_app(phone)

    answer = exchange(phone, second, told)

    assert answer.status_code == 200, answer.json
    assert answer.json["issued_token_type"] == ACCESS_TOKEN
    assert answer.json["device_secret"] == told["device_secret"]
    assert me(phone, answer.json).json["id"] == me(phone, told).json["id"]
    first, other = claims_of(told["id_token"]), claims_of(answer.json["id_token"])
    assert (other["sid"], other["auth_time"], other["acr"]) == (first["sid"], first["auth_time"], first["acr"])
    assert (other["aud"], other["ds_hash"]) == (second, id_tokens.ds_hash(told["device_secret"]))
    refreshed = phone.client.post(
        "/oauth/token",
        data={"grant_type": "refresh_token", "client_id": second, "refresh_token": answer.json["refresh_token"]},
    )
    assert refreshed.status_code == 200


def test_without_the_scope_there_is_no_device_secret(phone: Phone) -> None:
    assert "device_secret" not in phone.sign_in()


def test_a_device_secret_is_kept_as_its_hmac_alone(phone: Phone) -> None:
    told = first_app(phone)

    with transaction() as session:
        kept = session.scalars(text("SELECT handle FROM auth.session")).all()
    assert len(kept) == 1 and told["device_secret"].encode() not in bytes(kept[0])


def test_an_id_token_that_ran_out_does_for_thirty_days(phone: Phone, second: str, watch: Watch) -> None:
    told = first_app(phone)
    watch.move(days=20)
    refresh_token = phone.refresh(told["refresh_token"]).json["refresh_token"]
    watch.move(days=10)
    assert exchange(phone, second, told).status_code == 200

    watch.move(seconds=1)
    phone.refresh(refresh_token)

    assert exchange(phone, second, told).json["error"] == "invalid_grant"


def test_signing_one_app_out_leaves_the_other_one_in(phone: Phone, second: str) -> None:
    told = first_app(phone)
    other = exchange(phone, second, told).json
    revoked = {"client_id": second, "token": other["refresh_token"]}
    assert phone.client.post("/oauth/revoke", data=revoked).status_code == 200

    assert [me(phone, each).status_code for each in (told, other)] == [200, 401]
    assert exchange(phone, second, told).status_code == 200


def test_signing_out_by_the_device_secret_ends_both(phone: Phone, second: str) -> None:
    told = first_app(phone)
    other = exchange(phone, second, told).json

    assert phone.post("/oauth/revoke", token=told["device_secret"]).status_code == 200

    assert [me(phone, each).status_code for each in (told, other)] == [401, 401]
    assert exchange(phone, second, told).json["error"] == "invalid_grant"


def test_a_session_that_was_ended_signs_nobody_in(phone: Phone, second: str, watch: Watch) -> None:
    told = first_app(phone)
    with transaction() as session:
        sessions.end(session, session.scalar(text("SELECT id FROM auth.session")), because="signed_out", now=watch.now)  # type: ignore[arg-type]

    assert exchange(phone, second, told).json["error"] == "invalid_grant"


def test_a_suspended_customer_is_not_signed_in(phone: Phone, second: str) -> None:
    told = first_app(phone)
    with transaction() as session:
        session.execute(text("UPDATE auth.customer SET status = 'suspended'"))

    assert exchange(phone, second, told).json["error"] == "invalid_grant"


def test_anothers_device_secret_signs_nobody_in(phone: Phone, second: str) -> None:
    mine, theirs = first_app(phone), first_app(phone, OTHER)

    assert exchange(phone, second, mine, actor_token=theirs["device_secret"]).json["error"] == "invalid_grant"
    assert exchange(phone, second, mine, subject_token=theirs["id_token"]).json["error"] == "invalid_grant"
    assert exchange(phone, second, mine, actor_token="x" * 43).json["error"] == "invalid_grant"


def test_an_id_token_of_another_sign_in_of_the_same_customer_does_not_do(phone: Phone, second: str) -> None:
    one, two = first_app(phone), first_app(phone)

    assert exchange(phone, second, one, subject_token=two["id_token"]).json["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "changes",
    [
        {"ds_hash": None}, {"ds_hash": "x"}, {"ds_hash": 7}, {"ds_hash": "é"}, {"sid": None}, {"sid": str(uuid4())},
        {"sid": "x"}, {"sid": 7}, {"sub": str(uuid4())}, {"iat": 1}, {"iss": "https://elsewhere.example"},
        {"aud": ["pocketful-app"]}, {"iat": "now"},
    ],
)  # fmt: skip
def test_an_id_token_that_says_something_else_does_not_do(phone: Phone, second: str, changes: dict[str, Any]) -> None:
    told = first_app(phone)

    answer = exchange(phone, second, told, subject_token=forged(told, **changes))

    assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("token", ["x", "a.b.c", "é.é.é", "e30.e30.AA", "x" * 9_000])
def test_what_is_no_id_token_does_not_do(phone: Phone, second: str, token: str) -> None:
    assert exchange(phone, second, first_app(phone), subject_token=token).json["error"] == "invalid_grant"


def test_an_access_token_is_no_id_token(phone: Phone, second: str) -> None:
    told = first_app(phone)

    assert exchange(phone, second, told, subject_token=told["access_token"]).json["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"subject_token": ""}, "invalid_request"), ({"actor_token": ""}, "invalid_request"),
        ({"subject_token_type": ""}, "invalid_request"), ({"actor_token_type": ""}, "invalid_request"),
        ({"subject_token_type": ACCESS_TOKEN}, "invalid_request"), ({"actor_token_type": ID_TOKEN}, "invalid_request"),
        ({"requested_token_type": ID_TOKEN}, "invalid_request"), ({"audience": ""}, "invalid_request"),
        ({"audience": "https://elsewhere.example"}, "invalid_target"), ({"scope": "openid phone"}, "invalid_scope"),
        ({"client_id": "nobody"}, "invalid_client"), ({"client_id": "pocketful-till"}, "unauthorized_client"),
    ],
)  # fmt: skip
def test_an_exchange_that_lacks_something_is_refused(
    phone: Phone, second: str, changes: dict[str, str], error: str
) -> None:
    assert exchange(phone, second, first_app(phone), **changes).json["error"] == error


@pytest.mark.parametrize("group", [None, "another"])
def test_an_app_of_another_group_is_refused(
    phone: Phone, sweeper: psycopg.Connection, app: Flask, group: str | None
) -> None:
    columns = {"kind": "app", "audience": "app", "sso_group": group, "grant_types": GRANTS, "scopes": ["openid"]}
    with added(sweeper, "stranger", **columns):
        answer = exchange(phone, "stranger", first_app(phone))

        assert (answer.status_code, answer.json["error"]) == (400, "unauthorized_client")


def test_a_code_exchange_joins_the_session_of_a_device_secret_that_is_still_good(phone: Phone, watch: Watch) -> None:
    told = first_app(phone)

    joined = first_app(phone, device_secret=told["device_secret"])
    stale = first_app(phone, device_secret="x" * 43)

    sids = [claims_of(each["id_token"])["sid"] for each in (told, joined, stale)]
    assert sids[0] == sids[1] != sids[2]
    assert joined["device_secret"] == told["device_secret"] != stale["device_secret"]


def test_an_app_that_signed_in_with_the_browser_shares_its_session(
    app: Flask, phone: Phone, own_app: str, second: str
) -> None:
    person = Person(app, phone)
    asked = {"client_id": "pocketful-app", "redirect_uri": own_app, "scope": SCOPE}
    told = person.redeem(person.come_back(**asked)["code"], "pocketful-app", own_app).json
    again = person.redeem(person.come_back(**asked)["code"], "pocketful-app", own_app).json

    answer = exchange(phone, second, told)

    assert answer.status_code == 200, answer.json
    assert again["device_secret"] == told["device_secret"]
    assert claims_of(answer.json["id_token"])["sid"] == claims_of(told["id_token"])["sid"]
    assert phone.post("/oauth/revoke", token=told["device_secret"]).status_code == 200
    assert me(phone, answer.json).status_code == 401
    assert person.open(**asked).title == "Sign in"  # and the browser is signed out with them


@pytest.mark.parametrize("spelt", ["ds_", "ds_AAAA", "ds_" + "A" * 64, "ds_é", "ds_%"])
def test_a_device_secret_that_we_did_not_make_is_none(phone: Phone, second: str, spelt: str) -> None:
    assert exchange(phone, second, first_app(phone), actor_token=spelt).json["error"] == "invalid_grant"


def test_a_browsers_device_secret_is_bound_to_its_session(app: Flask) -> None:
    session_id = uuid4()
    secret = device_secrets.of_browser(session_id)

    assert device_secrets.browser_session(secret) == session_id
    flipped = secret[:-3] + ("A" if secret[-3] != "A" else "B") + secret[-2:]
    assert device_secrets.browser_session(flipped) is None


def test_signing_out_by_the_device_secret_tells_the_partners_of_that_browser(
    app: Flask, phone: Phone, own_app: str, sweeper: psycopg.Connection
) -> None:
    person = Person(app, phone)
    with added(sweeper, "shop", back_channel_uri="https://shop.example/signed-out"):
        asked = {"client_id": "pocketful-app", "redirect_uri": own_app, "scope": SCOPE}
        told = person.redeem(person.come_back(**asked)["code"], "pocketful-app", own_app).json
        partners = person.redeem(person.come_back()["code"]).json
        assert "id_token" in partners, partners

        assert phone.post("/oauth/revoke", token=told["device_secret"]).status_code == 200

        with transaction() as session:
            assert session.scalars(text("SELECT client_id FROM auth.logout_notice")).all() == ["shop"]


def test_nobody_joins_a_session_that_is_just_ending(phone: Phone, second: str, watch: Watch) -> None:
    told = first_app(phone)
    with ThreadPoolExecutor(1) as pool:
        with transaction() as session:
            session_id = session.scalars(select(LoginSession.id)).one()
            sessions.end(session, session_id, because="signed_out", now=watch.now)
            asked = pool.submit(exchange, phone, second, told)
            wait_until(somebody_waits, within_seconds=10)
        answer = asked.result()

    assert answer.json["error"] == "invalid_grant"
    with transaction() as session:
        assert session.scalars(select(TokenFamily.id).where(TokenFamily.revoked_at.is_(None))).all() == []


def somebody_waits() -> bool:
    """Whether a transaction waits for another one's lock."""
    with transaction() as session:
        return bool(session.scalar(text("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")))
