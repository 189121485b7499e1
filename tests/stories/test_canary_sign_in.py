"""Canaries of sign-in: what people, browsers, partners and staff bring or are given, looked for in columns and logs."""

import logging

import pytest
from flask import Flask

from tests.auth.authenticator import Authenticator
from tests.auth.authorizing.conftest import Person as Visitor
from tests.auth.authorizing.conftest import partner
from tests.auth.conftest import Phone, Watch, watch
from tests.auth.staff.conftest import Person, admin_app, invite
from tests.stories.test_canary import SANDBOX, columns_with

__all__ = ["admin_app", "partner", "watch"]

PHONE, NEW_PHONE, STAFF_EMAIL = "+12125550177", "+12125550178", "canary.joiner@example.org"
AGENT, PASSKEY_NAME = "Canaria/7.1 (of Nightingale's)", "Canaria's telephone"
STATE, NONCE, HINT, VERIFIER = "canary-state-91", "canary-nonce-92", "+12125550179", "canary-verifier-93" * 3

#: The client's own random text, for the minute between code and token; no person's.
_ALLOWED = {("auth.authorization_code", NONCE)}


@pytest.fixture
def phone(app: Flask, watch: Watch) -> Phone:
    client = app.test_client()
    client.environ_base["HTTP_USER_AGENT"] = AGENT
    return Phone(app, client)


def test_nothing_of_a_customers_sign_in_is_kept_or_told(
    phone: Phone, partner: object, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    granted = phone.sign_in(PHONE)
    token = {"Authorization": f"Bearer {granted['access_token']}"}

    canaries = {PHONE, NEW_PHONE, AGENT, PASSKEY_NAME, granted["access_token"], granted["refresh_token"]}
    options = phone.client.post("/app/v1/passkeys/options", json={}, headers=token).json
    assert options
    made = {"ceremony_id": options["ceremony_id"], "credential": Authenticator().create(options["passkey"])}
    kept = phone.client.post("/app/v1/passkeys", json={**made, "name": PASSKEY_NAME}, headers=token)
    assert kept.status_code == 201, kept.json
    asked = phone.client.put("/app/v1/me/phone", json={"phone": NEW_PHONE}, headers=token)
    assert asked.status_code < 500
    canaries |= authorize(phone) | visit(phone)
    refreshed = phone.refresh(granted["refresh_token"]).json
    canaries |= {refreshed["access_token"], refreshed["refresh_token"]}
    phone.post("/oauth/revoke", token=refreshed["refresh_token"])

    look_for(canaries, caplog)


def test_nothing_that_staff_join_with_is_kept_or_told(
    app: Flask, admin_app: None, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    invite(STAFF_EMAIL, "admin")
    person = Person(app, STAFF_EMAIL)
    link = person.link()
    person.join_with_authenticator(link)
    watch.move(seconds=30)  # an authenticator shows each of its codes once
    page = person.sign_in_with_codes()
    granted = person.redeem(page).json

    canaries = {STAFF_EMAIL, person.secret.hex(), *person.recovery_codes, link.rpartition("/")[2]}
    canaries |= {code.replace("-", "") for code in person.recovery_codes}
    canaries |= {granted["access_token"], granted["refresh_token"]}
    made = app.test_client().post(
        "/admin/v1/clients",
        json={"client_id": "canary", "name": "Books", "kind": "partner", "auth_method": "client_secret_basic",
              "redirect_uris": ["https://books.example/back"], "scopes": ["openid"]},
        headers={"Authorization": f"Bearer {granted['access_token']}"},
    )  # fmt: skip
    assert made.status_code == 201, made.json
    canaries |= {made.json["client_secret"]}

    look_for(canaries, caplog)


def authorize(phone: Phone) -> set[str]:
    """Ask for a code, by a page and by a pushed request, with everything that a client may say of its own."""
    asked = {
        "response_type": "code", "redirect_uri": "https://nobody.example/back", "scope": "openid", "state": STATE,
        "nonce": NONCE, "login_hint": HINT, "code_challenge": "c" * 43, "code_challenge_method": "S256",
    }  # fmt: skip
    phone.client.get("/oauth/authorize", query_string={"client_id": "pocketful-app", **asked})
    phone.post("/oauth/par", **asked)
    phone.redeem("canary-code-94", VERIFIER)
    return {STATE, NONCE, HINT, VERIFIER, "canary-code-94"}


def visit(phone: Phone) -> set[str]:
    """Sign in at a partner's by the pages, and redeem what comes of it."""
    visitor = Visitor(phone.app, phone, number=PHONE)
    came = visitor.come_back(state=STATE, nonce=NONCE, login_hint=HINT)
    assert came["state"] == STATE
    granted = visitor.redeem(came["code"]).json
    return {came["code"], granted["access_token"], granted["id_token"]}


def look_for(canaries: set[str], caplog: pytest.LogCaptureFixture) -> None:
    """Found where they may stand, so that a search that finds nothing has searched."""
    columns = columns_with(canaries)
    assert any(table == SANDBOX for table, _ in columns)
    # What the sandbox was given stands there in clear: it plays the provider.
    assert {found for found in columns if found[0] != SANDBOX} - _ALLOWED == set()
    lines = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert "/oauth/" in lines
    assert {canary for canary in canaries if canary in lines} == set()
