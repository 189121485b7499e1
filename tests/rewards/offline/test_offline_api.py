"""Offline tokens over HTTP: from a phone's key to what a till is paid."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from flask import Flask

from auth import customers, tokens
from core import clock, ids
from core.db import connection_of, transaction
from core.web.principals import Principal
from rewards.offline import phone_keys, syncing
from rewards.offline.tokens import step_at, text_to_prove
from tests.rewards.conftest import World, fill
from tests.rewards.offline.conftest import Phone
from tests.rewards.test_api import BASKET, Door
from tests.rewards.tills.conftest import SigningTill, signing_till, world_of
from wallet.finance import settlements


@pytest.fixture
def till(app: Flask) -> SigningTill:
    return signing_till(app, ed25519.Ed25519PrivateKey.generate())


@pytest.fixture
def world(till: SigningTill) -> World:
    return world_of(till)


@pytest.fixture
def customer(app: Flask) -> Door:
    with transaction() as session:
        known = customers.sign_up(session, phone="+12025550143", locale=None, time_zone=None, now=clock.now())
        fill(session, known.id, 10_000)
    return Door(app, "/app/v1", tokens.APP, Principal("customer", known.id))


@pytest.fixture
def staff(app: Flask) -> Door:
    who = Principal("staff", ids.new(), permissions=frozenset({"terminals.allow_offline"}))
    return Door(app, "/admin/v1", tokens.ADMIN, who)


@pytest.fixture
def phone(world: World, customer: Door) -> Phone:
    made = Phone(world, customer.principal.id)
    assert customer.put("/offline-key", proved(made)).status_code == 200
    return made


@pytest.fixture
def voucher_id(world: World, customer: Door) -> str:
    ends = clock.now() + timedelta(days=2)
    campaign = world.campaign(ends_at=ends)
    return str(world.voucher(campaign, customer.principal.id).id)


def proved(phone: Phone, **changes: Any) -> dict[str, Any]:
    seconds = int(clock.now().timestamp())
    text = phone_keys.text_to_prove(phone.customer_id, seconds, phone.fingerprint)
    return {"public_key": phone.pem, "signed_at": seconds, "proof": phone.sign(text)} | changes


def record(scanned: str, **changes: Any) -> dict[str, Any]:
    given = {
        "till_reference": "R-1",
        "scanned": scanned,
        "accepted_at": clock.now().isoformat(),
        "basket": BASKET,
        "currency": "USD",
        "amount_minor": 500,
    }
    return given | changes


def test_from_a_phones_key_to_what_the_till_is_paid(
    till: SigningTill, customer: Door, staff: Door, phone: Phone, voucher_id: str
) -> None:
    allowed = staff.put(
        f"/terminals/{till.principal.id}/offline-allowance",
        {"currency": "USD", "most_minor": 20_000, "most_count": 40},
    )
    given = customer.post(f"/vouchers/{voucher_id}/offline-tokens", {})
    keys = till.get("/offline-keys")
    synced = till.post("/offline-redemptions", {"records": [record(phone.show(given.json["token"], clock.now()))]})
    again = till.post("/offline-redemptions", {"records": []})

    assert (allowed.status_code, allowed.json["most_minor"]) == (200, 20_000)
    assert given.status_code == 201
    assert keys.json["allowance"] == [{"currency": "USD", "most_minor": 20_000, "most_count": 40}]
    key = jwt.PyJWKSet.from_dict(keys.json)[jwt.get_unverified_header(given.json["token"])["kid"]]
    assert jwt.decode(given.json["token"], key, algorithms=["EdDSA"])["voucher"] == voucher_id
    assert synced.status_code == 200
    [result] = synced.json["results"]
    assert (result["till_reference"], result["replayed"], result["code"]) == ("R-1", False, None)
    assert result["redemption"]["state"] == "succeeded"
    assert result["redemption"]["paid"] == {"amount_minor": 500, "currency": "USD"}
    assert again.status_code == 422
    listed = till.get("/offline-redemptions?limit=1").json
    assert listed == {"items": [result["redemption"]], "next_cursor": None}
    assert till.get("/redemptions/by-reference/R-1").json["state"] == "succeeded"


def test_keys_are_fetched_again_only_when_they_changed(till: SigningTill, staff: Door) -> None:
    first = till.get("/offline-keys")
    same = till.get("/offline-keys", **{"If-None-Match": first.headers["ETag"]})
    staff.put(
        f"/terminals/{till.principal.id}/offline-allowance", {"currency": "USD", "most_minor": 1, "most_count": 1}
    )
    changed = till.get("/offline-keys", **{"If-None-Match": first.headers["ETag"]})

    assert (first.status_code, same.status_code, changed.status_code) == (200, 304, 200)
    assert first.json["allowance"] == []
    assert first.json["sync_within_hours"] == 72


def test_what_the_phone_signs_is_what_the_guide_says(customer: Door, phone: Phone, voucher_id: str) -> None:
    token = customer.post(f"/vouchers/{voucher_id}/offline-tokens", {}).json["token"]
    import hashlib

    digest = hashlib.sha256(token.encode()).hexdigest()
    assert text_to_prove(token, step_at(clock.now())) == f"pocketful-offline-1\n{step_at(clock.now())}\n{digest}"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda r: r | {"amount_minor": 0},
        lambda r: r | {"amount_minor": -5},
        lambda r: r | {"amount_minor": 2**53},
        lambda r: r | {"accepted_at": "yesterday"},
        lambda r: r | {"accepted_at": "0001-01-01T00:00:00+14:00"},
        lambda r: r | {"scanned": "x" * 2_001},
        lambda r: r | {"scanned": ""},
        lambda r: r | {"basket": {"lines": []}},
        lambda r: r | {"till_reference": "x" * 101},
        lambda r: {key: value for key, value in r.items() if key != "currency"},
        lambda r: r | {"more": 1},
    ],
    ids=["nothing", "below", "huge", "words", "out of the calendar", "long", "empty", "no lines", "reference",
         "missing", "more"],
)  # fmt: skip
def test_malformed_record_refuses_the_batch_and_leaves_no_trace(
    till: SigningTill, world: World, spoil: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    refused = till.post("/offline-redemptions", {"records": [record("a.b.c~1~d"), spoil(record("a.b.c~1~d"))]})

    assert (refused.status_code, refused.json["code"]) == (422, "invalid_input")
    assert refused.json["errors"][0]["pointer"].startswith("/records/1")
    assert world.rows("SELECT FROM rewards.offline_redemption") == []


def test_batch_holds_five_hundred_records(till: SigningTill) -> None:
    records = [record("x", till_reference=f"R-{number}") for number in range(501)]

    assert till.post("/offline-redemptions", {"records": records}).status_code == 422
    taken = till.post("/offline-redemptions", {"records": records[:500]})
    assert {each["redemption"]["code"] for each in taken.json["results"]} == {"offline_token_forged"}
    first = till.get("/offline-redemptions?limit=200").json
    assert first["items"][0]["till_reference"] == "R-499"
    assert till.get(f"/offline-redemptions?cursor={first['next_cursor']}").json["items"][0]["till_reference"] == "R-299"


@pytest.mark.parametrize(
    "changes",
    [
        {"signed_at": -1},
        {"signed_at": 10**12},
        {"signed_at": "now"},
        {"public_key": "x" * 1_001},
        {"proof": ""},
        {"public_key": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"},
        {"proof": "ÿ"},
    ],
    ids=["negative", "far", "words", "long", "empty", "no key", "no base64"],
)
def test_malformed_key_is_refused(customer: Door, phone: Phone, changes: dict[str, Any]) -> None:
    refused = customer.put("/offline-key", proved(phone, **changes))

    assert refused.status_code == 422
    assert refused.json["code"] in {"invalid_input", "offline_key_invalid", "offline_key_unproved"}


@pytest.mark.parametrize(
    "body",
    [
        {"currency": "USD", "most_minor": -1, "most_count": 1},
        {"currency": "USD", "most_minor": 1, "most_count": -1},
        {"currency": "USD", "most_minor": 2**53, "most_count": 1},
        {"currency": "usd", "most_minor": 1, "most_count": 1},
        {"currency": "XXX", "most_minor": 1, "most_count": 1},
        {"most_minor": 1, "most_count": 1},
    ],
    ids=["amount", "count", "huge", "letters", "no currency of ours", "missing"],
)
def test_malformed_allowance_is_refused(till: SigningTill, staff: Door, body: dict[str, Any]) -> None:
    assert staff.put(f"/terminals/{till.principal.id}/offline-allowance", body).status_code == 422
    assert till.get("/offline-keys").json["allowance"] == []


def test_allowance_of_an_unknown_terminal_is_not_found(staff: Door) -> None:
    body = {"currency": "USD", "most_minor": 1, "most_count": 1}

    assert staff.put(f"/terminals/{ids.new()}/offline-allowance", body).status_code == 404


def test_unknown_terminal_syncs_nothing(app: Flask, till: SigningTill) -> None:
    who = replace(till.principal, id=ids.new())
    stranger = Door(app, "/merchant/v1", tokens.MERCHANT, who)

    refused = stranger.post("/offline-redemptions", {"records": [record("x")]})

    assert (refused.status_code, refused.json["code"]) == (403, "terminal_suspended")


def test_sync_is_signed_as_redemptions_are(till: SigningTill, phone: Phone, customer: Door, voucher_id: str) -> None:
    token = customer.post(f"/vouchers/{voucher_id}/offline-tokens", {}).json["token"]
    body = json.dumps({"records": [record(phone.show(token, clock.now()))]}).encode()

    forged = till.send("POST", "/offline-redemptions", body, signs={"body": b"{}"})
    signed = till.send("POST", "/offline-redemptions", body)

    assert (forged.status_code, forged.json["code"]) == (403, "signature_invalid")
    assert signed.json["results"][0]["redemption"]["state"] == "succeeded"


def test_each_till_sees_its_own_records(app: Flask, till: SigningTill) -> None:
    till.post("/offline-redemptions", {"records": [record("x")]})
    other = signing_till(app, ed25519.Ed25519PrivateKey.generate())

    assert len(till.get("/offline-redemptions").json["items"]) == 1
    assert other.get("/offline-redemptions").json["items"] == []
    # A reference is one till's: another's is another.
    assert other.post("/offline-redemptions", {"records": [record("x")]}).json["results"][0]["replayed"] is False


def test_staff_see_who_bears_what(
    till: SigningTill, staff: Door, phone: Phone, customer: Door, world: World, voucher_id: str
) -> None:
    staff.put(
        f"/terminals/{till.principal.id}/offline-allowance", {"currency": "USD", "most_minor": 900, "most_count": 9}
    )
    token = customer.post(f"/vouchers/{voucher_id}/offline-tokens", {}).json["token"]
    with transaction() as session:
        connection_of(session).execute("UPDATE rewards.voucher SET state = 'blocked'")
    lost = record(phone.show(token, clock.now()))
    till.post("/offline-redemptions", {"records": [record("x", till_reference="R-2"), lost]})

    def listed(query: str) -> list[tuple[str, str, str, int]]:
        items = staff.get(f"/offline-redemptions?{query}").json["items"]
        return [(each["status"], each["code"], each["borne_by"], each["lost"]["amount_minor"]) for each in items]

    of_brand = ("conflict", "offline_blocked", "brand", 500)
    of_merchant = ("conflict", "offline_token_forged", "merchant", 0)
    assert listed("") == [of_brand, of_merchant]
    assert listed("borne_by=brand") == listed(f"customer_id={customer.principal.id}") == [of_brand]
    assert listed("limit=1&borne_by=merchant") == [of_merchant]
    assert listed(f"terminal_id={ids.new()}") == []
    assert staff.get("/offline-redemptions?borne_by=nobody").status_code == 422


def test_a_real_till_deals_in_no_sandbox_money(till: SigningTill, world: World) -> None:
    refused = till.post("/offline-redemptions", {"records": [record("x", currency="XTS")]})

    assert refused.json["code"] == "sandbox_mixed"
    assert world.rows("SELECT FROM rewards.offline_redemption") == []


def test_settlement_pays_what_the_brand_lost_as_a_payment(
    till: SigningTill, staff: Door, phone: Phone, customer: Door, world: World, voucher_id: str
) -> None:
    staff.put(
        f"/terminals/{till.principal.id}/offline-allowance", {"currency": "USD", "most_minor": 900, "most_count": 9}
    )
    token = customer.post(f"/vouchers/{voucher_id}/offline-tokens", {}).json["token"]
    with transaction() as session:
        connection_of(session).execute("UPDATE rewards.voucher SET state = 'blocked'")
    till.post("/offline-redemptions", {"records": [record(phone.show(token, clock.now()))]})
    with transaction() as session:
        now = clock.now() + timedelta(seconds=1)
        settlements.close(session, until=now, merchant_id=None, actor="staff:test", now=now)

    [settlement] = till.get("/settlements").json["items"]

    shown = till.get(f"/settlements/{settlement['id']}").json
    assert (shown["payment_count"], shown["gross_minor"], shown["adjustments_minor"]) == (1, 500, 0)
    assert [(each["source"], each["paid_minor"]) for each in shown["funding"]] == [("offline_losses", 500)]


def test_what_a_batch_has_no_time_for_is_to_be_sent_again(
    till: SigningTill, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = {"records": [record("x"), record("y", till_reference="R-2")]}
    monkeypatch.setattr(syncing, "MOST_SECONDS", 0)

    hurried = till.post("/offline-redemptions", batch).json["results"]

    assert [(each["redemption"], each["code"], each["retryable"]) for each in hurried] == [(None, "busy", True)] * 2
    assert world.rows("SELECT FROM rewards.offline_redemption") == []
    monkeypatch.undo()
    assert [each["replayed"] for each in till.post("/offline-redemptions", batch).json["results"]] == [False, False]
