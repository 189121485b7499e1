"""Canaries: personal data and secrets go in by every door, and are then looked for in every column and log line."""

import base64
import hashlib
import json
import logging
import re
import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import wiring
from app.worker import drain
from auth import merchants, tokens
from auth import staff as persons
from core import clock, ids
from core.db import connection_of, transaction
from core.gateways import registry
from core.settings import Settings
from core.web.principals import Principal
from engage.consents import unsubscribing

PHONE, EMAIL, STAFF_EMAIL = "+12025550177", "canary.person@example.org", "canary.staff@example.org"
NAME, PUSH_TOKEN = "Canaria Nightingale", "canary-push-token-7c1"
FRIEND, NOTE = "+12025550188", "For Canaria's birthday"

#: What the sandbox was given stands there in clear: it plays the provider.
SANDBOX = "core.sandbox_message"


class Doors:
    """The application's doors, with everybody's tokens in hand."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.tokens: dict[str, str] = {}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        token = next((token for prefix, token in self.tokens.items() if path.startswith(prefix)), "")
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(ids.new())}
        answer = self.client.open(path, method=method, json=body, headers=headers)
        assert answer.status_code < 300, (path, answer.json)
        return answer.json

    def oauth(self, path: str, **fields: str) -> TestResponse:
        return self.client.post(f"/oauth/{path}", data={"client_id": "pocketful-app", **fields})


@pytest.fixture
def doors(app: Flask, client: FlaskClient) -> Doors:
    found = Doors(client)
    now = clock.now()
    permissions = ["campaigns.read", "campaigns.write", "journeys.write", "customers.write", "messages.read"]
    with transaction() as session:
        merchant = merchants.add_merchant(session, name="Corner Shop", now=now)
        store = merchants.add_store(session, merchant_id=merchant.id, name="Main Street", now=now)
        person = persons.add(session, email=STAFF_EMAIL, name=NAME, permissions=permissions, now=now)
        staff = persons.principal_of(person)
    till = Principal("terminal", ids.new(), merchant_id=merchant.id, store_id=store.id)
    for prefix, principal, audience in (("/admin", staff, tokens.ADMIN), ("/merchant", till, tokens.MERCHANT)):
        found.tokens[prefix] = tokens.mint(principal, audience=audience, client_id="test", now=now)
    return found


@pytest.fixture
def work(app: Flask, settings: Settings) -> Any:
    lines = wiring.work(settings, registry.build(settings))
    return lambda: drain(wiring.READERS, lines, now=clock.now())


def test_no_canary_is_found_in_any_column_or_log_line(
    doors: Doors, work: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    canaries = {PHONE.removeprefix("+1"), EMAIL, STAFF_EMAIL, NAME, PUSH_TOKEN, "development-write-key"}

    canaries |= sign_in(doors, work)
    canaries |= tell_who_one_is(doors, work)
    canaries |= walk_a_journey(doors, work)
    canaries |= send_money(doors) | {FRIEND.removeprefix("+1"), NOTE}
    report_events(doors)
    work()

    # Found where they may stand, so that a search that finds nothing has searched.
    columns = columns_with(canaries)
    assert {(SANDBOX, number.removeprefix("+1")) for number in (PHONE, FRIEND)} <= columns
    assert {(table, canary) for table, canary in columns if table != SANDBOX} == set()
    lines = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert "/app/v1/me" in lines
    assert {canary for canary in canaries if canary in lines} == set()


def sign_in(doors: Doors, work: Any) -> set[str]:
    """Sign the customer in by the texted code; every secret that was seen on the way."""
    verifier = secrets.token_urlsafe(40)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    asked = doors.oauth(
        "authorize-challenge", login_hint=PHONE, code_challenge=challenge, code_challenge_method="S256"
    ).json
    work()
    text = json.dumps(doors.ask("GET", f"/admin/v1/sandbox/messages?to={PHONE.replace('+', '%2B')}"))
    found = re.search(r"\b\d{6}\b", text)
    assert asked and found
    proved = doors.oauth("authorize-challenge", auth_session=asked["auth_session"], otp=found[0]).json
    assert proved
    code = proved["authorization_code"]
    granted = doors.oauth("token", grant_type="authorization_code", code=code, code_verifier=verifier).json
    assert granted
    doors.tokens["/app"] = granted["access_token"]
    return {asked["auth_session"], code, verifier, granted["access_token"], granted["refresh_token"]}


def tell_who_one_is(doors: Doors, work: Any) -> set[str]:
    """Prove an e-mail address, tell a birthday, and use a signed link; what was told, and the links' tokens."""
    birthday = "1987-06-05"
    doors.ask("PATCH", "/app/v1/me", {"birthday": birthday})
    doors.ask("PUT", "/app/v1/me/email", {"email": EMAIL})
    work()
    text = json.dumps(doors.ask("GET", f"/admin/v1/sandbox/messages?to={EMAIL}"))
    found = re.search(r"\b\d{6}\b", text)
    assert found
    doors.ask("POST", "/app/v1/me/email/proof", {"code": found[0]})
    told = doors.ask("GET", "/app/v1/me")
    assert (told["email"], told["birthday"]) == (EMAIL, birthday)
    page = doors.ask("GET", "/app/v1/preferences")["url"].partition("/p/")[2]
    stop = unsubscribing.url(UUID(told["id"]), "email").partition("/u/")[2]
    assert doors.client.get(f"/p/{page}").status_code == 200
    assert doors.client.post(f"/u/{stop}", data={"List-Unsubscribe": "One-Click"}).status_code == 200
    return {birthday, page, stop}


def walk_a_journey(doors: Doors, work: Any) -> set[str]:
    """Buy, be given a voucher by push, and use it; the codes that were seen on the way."""
    now = clock.now()
    device = {"device_id": "one", "platform": "ios", "push_token": PUSH_TOKEN}
    doors.ask("GET", "/app/v1/me")
    doors.ask("PUT", "/app/v1/devices", device)
    doors.ask("PUT", "/app/v1/consents", {"channel": "push", "purpose": "marketing", "granted": True})
    doors.ask("POST", "/app/v1/topups", {"amount": {"amount_minor": 9_000, "currency": "USD"}, "source": "sandbox_ok"})
    campaign = doors.ask(
        "POST",
        "/admin/v1/campaigns",
        {
            "name": "Five off", "kind": "coupon", "discount": {"kind": "amount", "amount_minor": 500},
            "currency": "USD", "starts_at": now.isoformat(), "ends_at": (now + timedelta(days=1)).isoformat(),
            "budget_minor": 5_000, "holdout_bps": 0,
        },
    )  # fmt: skip
    doors.ask("PUT", f"/admin/v1/campaigns/{campaign['id']}/status", {"status": "running"})
    journey = doors.ask("POST", "/admin/v1/journeys", {"name": "Thanks", "holdout_bps": 0})
    doors.ask("POST", f"/admin/v1/journeys/{journey['id']}/versions", {"graph": graph(campaign["id"])})
    doors.ask("PUT", f"/admin/v1/journeys/{journey['id']}/status", {"status": "live"})

    first = buy(doors)
    work()
    [voucher] = doors.ask("GET", "/app/v1/vouchers")["items"]
    code = doors.ask("GET", f"/app/v1/vouchers/{voucher['id']}")["code"]
    assert doors.client.get(f"/c/{code}").status_code == 200
    second = buy(doors, code)
    return {code, code.replace("-", ""), first, second}


def send_money(doors: Doors) -> set[str]:
    """Send money to a number and by link, and ask for it; the links' codes."""
    more = {"amount": {"amount_minor": 100, "currency": "USD"}, "note": NOTE}
    to, anybody = {"phone": FRIEND}, {"link": True}
    doors.ask("POST", "/app/v1/sendings", {"to": to, **more})
    sent = doors.ask("POST", "/app/v1/sendings", {"to": anybody, **more})
    doors.ask("POST", "/app/v1/money-requests", {"from": to, **more})
    asked = doors.ask("POST", "/app/v1/money-requests", {"from": anybody, **more})
    doors.ask("POST", "/app/v1/money-requests/look-ups", {"code": asked["link"]["code"]})
    assert [one["note"] for one in doors.ask("GET", "/app/v1/sendings")["items"]] == [NOTE] * 2
    codes = {made["link"]["code"] for made in (sent, asked)}
    assert [doors.client.get(f"/c/s/{code}").status_code for code in codes] == [200, 200]
    return codes


def graph(campaign_id: str) -> dict[str, Any]:
    gift = {"kind": "issue_voucher", "campaign_id": campaign_id, "next": "tell"}
    words = {"title": "For you", "body": "Thank you! {{ voucher.code }} {{ voucher.link }}"}
    tell = {"kind": "message", "channel": ["push"], "purpose": "marketing", "template": words}
    return {
        "trigger": {"event": "order.completed"}, "re_entry": "never", "first": "gift",
        "steps": {"gift": gift, "tell": tell},
    }  # fmt: skip


def buy(doors: Doors, *vouchers: str) -> str:
    """Take a basket at the till; the code that was scanned."""
    scanned: str = doors.ask("GET", "/app/v1/code")["text"]
    basket = {"lines": [{"sku": "milk", "quantity": "1", "amount_minor": 2_000}]}
    body = {"customer_code": scanned, "basket": basket, "currency": "USD", "vouchers": list(vouchers)}
    doors.ask("POST", "/merchant/v1/checkouts", {**body, "till_reference": str(ids.new())})
    return scanned


def report_events(doors: Doors) -> None:
    """Say who somebody is in each way that other systems have."""
    customer_id = str(UUID(doors.ask("GET", "/app/v1/me")["id"]))
    traits = {"email": EMAIL, "phone": PHONE, "name": NAME, "firstName": "Canaria"}
    calls: list[dict[str, Any]] = [
        {"type": "identify", "userId": customer_id, "traits": traits},
        {"type": "track", "userId": EMAIL, "event": "Signed Up", "properties": {"email": EMAIL, "note": f"at {PHONE}"}},
        {"type": "track", "anonymousId": "a", "event": EMAIL, "properties": {"deep": [{"phone_number": PHONE}]}},
        {"type": "alias", "userId": customer_id, "previousId": PHONE},
    ]
    body = {"batch": calls, "writeKey": "development-write-key"}
    assert doors.client.post("/v1/batch", json=body).status_code == 200
    named = {"external_id": EMAIL, "customer_id": customer_id}
    doors.ask("POST", "/admin/v1/external-identities/outside", named)


def columns_with(canaries: set[str]) -> set[tuple[str, str]]:
    """Every table and canary that stands in one of its rows, whatever the column."""
    with transaction() as session:
        connection = connection_of(session)
        tables = [row[0] for row in connection.execute(_TABLES)]
        found = set()
        for table in tables:
            query = f"SELECT canary FROM unnest(%s::text[]) canary WHERE EXISTS (SELECT FROM {table} t WHERE {_HOLDS})"
            found |= {(table, row[0]) for row in connection.execute(query, [sorted(canaries)])}
    return found


# A row as text shows bytea as hex, so each canary is looked for in that form, too.
_HOLDS = "strpos(t::text, canary) > 0 OR strpos(t::text, encode(canary::bytea, 'hex')) > 0"

_TABLES = """
    SELECT format('%I.%I', n.nspname, c.relname)
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'testing')
"""
