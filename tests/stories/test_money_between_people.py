"""A customer sends money to a friend without an account: texted, signed up, received; or returned when it lapses."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from app import wiring
from app.worker import drain
from auth import customers, tokens
from auth.oauth import pkce
from core import clock, ids
from core.db import transaction
from core.gateways import registry, sandbox
from core.settings import Settings
from core.web.principals import Principal

ANNA, BEN = "+12025550171", "+12025550172"
VERIFIER = "v" * 43


class Watch:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)


@pytest.fixture
def watch() -> Iterator[Watch]:
    watch = Watch()
    with clock.simulated(lambda: watch.now):
        yield watch


@pytest.fixture
def work(app: Flask, watch: Watch, settings: Settings) -> Callable[[], None]:
    """Let a worker do all that is to be done, by the lines of the wiring page."""
    lines = wiring.work(settings, registry.build(settings))
    return lambda: drain(wiring.READERS, lines, now=clock.now())


class Wallet:
    """A customer's app."""

    def __init__(self, app: Flask, token: str) -> None:
        self.client, self.token = app.test_client(), token

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": str(ids.new())}
        answer = self.client.open(f"/app/v1{path}", method=method, json=body, headers=headers)
        assert answer.status_code < 300, answer.json
        return answer.json

    def cash(self) -> tuple[int, int]:
        """What stands there, and what of it can be spent."""
        [cash] = [item for item in self.ask("GET", "/wallet")["items"] if item["purpose"] == "cash"]
        return cash["balance"]["amount_minor"], cash["available"]["amount_minor"]


@pytest.fixture
def anna(app: Flask, work: Callable[[], None]) -> Wallet:
    """A customer with $50.00."""
    with transaction() as session:
        known = customers.sign_up(session, phone=ANNA, locale=None, time_zone=None, now=clock.now())
    who = Principal("customer", known.id)
    ttl = timedelta(days=60)
    wallet = Wallet(app, tokens.mint(who, audience=tokens.APP, client_id="test", now=clock.now(), ttl=ttl))
    work()
    wallet.ask("POST", "/topups", {"amount": {"amount_minor": 5_000, "currency": "USD"}, "source": "sandbox_ok"})
    return wallet


def test_a_friend_signs_up_with_their_number_and_has_the_money(
    app: Flask, anna: Wallet, work: Callable[[], None]
) -> None:
    amount = {"amount_minor": 1_500, "currency": "USD"}
    sent = anna.ask("POST", "/sendings", {"to": {"phone": BEN}, "amount": amount, "note": "Cinema"})
    assert (sent["status"], anna.cash()) == ("pending", (5_000, 3_500))
    work()
    assert "+1 ••• 0171 sent you $15.00" in last_text(BEN)
    assert told_of_texts() == [("message.sent", None)]

    ben = sign_up(app, BEN, work)
    work()

    [got] = ben.ask("GET", "/sendings?direction=in")["items"]
    assert (got["status"], got["note"], got["name"]) == ("completed", "Cinema", "+1 ••• 0171")
    assert (anna.cash(), ben.cash()) == ((3_500, 3_500), (1_500, 1_500))
    assert anna.ask("GET", f"/sendings/{sent['id']}")["name"] == "+1 ••• 0172"


def test_what_nobody_claims_for_a_week_is_spendable_again(anna: Wallet, work: Callable[[], None], watch: Watch) -> None:
    amount = {"amount_minor": 1_500, "currency": "USD"}
    sent = anna.ask("POST", "/sendings", {"to": {"link": True}, "amount": amount})
    asked = anna.ask("POST", "/money-requests", {"from": {"link": True}, "amount": amount})

    watch.now += timedelta(days=7)
    work()

    assert anna.cash() == (5_000, 5_000)
    assert anna.ask("GET", f"/sendings/{sent['id']}")["status"] == "returned"
    assert anna.ask("GET", f"/money-requests/{asked['id']}")["status"] == "lapsed"


def told_of_texts() -> list[tuple[str, UUID | None]]:
    """What was announced of invitations, and of whom: what a stranger does with a text is no customer's doing."""
    query = "SELECT name, customer_id FROM core.event WHERE payload ->> 'purpose' = 'invitation'"
    with transaction() as session:
        return [(row[0], row[1]) for row in session.execute(text(query))]


def sign_up(app: Flask, phone: str, work: Callable[[], None]) -> Wallet:
    """As an app does it: ask for a code, read the text, prove it."""
    client = app.test_client()
    form = {"client_id": "pocketful-app", "login_hint": phone, "code_challenge_method": "S256"}
    form["code_challenge"] = pkce.challenge_of(VERIFIER)
    asked = client.post("/oauth/authorize-challenge", data=form).json or {}
    work()
    found = re.match(r"\d{6}", last_text(phone))
    assert found
    proof = {"client_id": "pocketful-app", "auth_session": asked["auth_session"], "otp": found[0]}
    proved = client.post("/oauth/authorize-challenge", data=proof).json or {}
    redeemed = {
        "client_id": "pocketful-app", "grant_type": "authorization_code", "code": proved["authorization_code"],
        "code_verifier": VERIFIER,
    }  # fmt: skip
    return Wallet(app, (client.post("/oauth/token", data=redeemed).json or {})["access_token"])


def last_text(phone: str) -> str:
    with transaction() as session:
        given = sandbox.kept(session, recipient=phone)
    latest = max(given, key=lambda message: str(message.content["message_id"]))
    return str(latest.content["body"])
