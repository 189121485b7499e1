"""Another app of the brand signs in without asking, by the device_secret that the apps share on the device."""

from typing import Any
from uuid import uuid4

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text

from auth import sessions
from auth.oauth import clients, id_tokens
from auth.sessions.exchanging import ACCESS_TOKEN, ID_TOKEN
from core.db import transaction
from tests.auth.conftest import Phone, Watch
from tests.auth.partners import client as added
from tests.auth.sessions.sso import GRANTS, OTHER, claims_of, exchange, first_app, forged, me, second

__all__ = ["second"]


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


def test_what_a_second_app_gets_ends_with_the_sign_in_that_it_came_of(phone: Phone, second: str, watch: Watch) -> None:
    told = first_app(phone)
    watch.move(days=20)
    other = exchange(phone, second, told).json

    def refreshed() -> Any:
        token = {"grant_type": "refresh_token", "client_id": second, "refresh_token": other["refresh_token"]}
        return phone.client.post("/oauth/token", data=token)

    for days in (29, 29, 29, 29, 29, 14):
        watch.move(days=days)
        other = refreshed().json
    watch.move(days=1)

    assert refreshed().json["error"] == "invalid_grant"


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


def test_a_suspended_apps_id_token_signs_nobody_in(phone: Phone, second: str, sweeper: psycopg.Connection) -> None:
    told = first_app(phone)
    sweeper.execute("UPDATE auth.client SET status = 'suspended' WHERE client_id = 'pocketful-app'")
    clients.forget_known()
    try:
        answer = exchange(phone, second, told)
    finally:
        sweeper.execute("UPDATE auth.client SET status = 'active' WHERE client_id = 'pocketful-app'")
        clients.forget_known()

    assert answer.json["error"] == "unauthorized_client"
