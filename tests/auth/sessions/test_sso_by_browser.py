"""Apps that sign in with the system's browser share its session, and nobody joins one that is ending."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest
from flask import Flask
from sqlalchemy import select, text

from auth import sessions
from auth.oauth.models import TokenFamily
from auth.sessions import device_secrets
from auth.sessions.models import LoginSession
from core.db import transaction
from tests.auth.authorizing.conftest import Person, own_app
from tests.auth.conftest import Phone, Watch
from tests.auth.partners import client as added
from tests.auth.sessions.sso import SCOPE, claims_of, exchange, first_app, me, second
from tests.stories.conftest import wait_until

__all__ = ["own_app", "second"]


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
