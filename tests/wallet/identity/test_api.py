"""Identity at the doors: the app's, the staff's, and the provider's call-backs."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from core import ids
from core.db import transaction
from core.gateways import signatures
from core.settings import Settings
from tests.wallet.doors import Door, customer_door, staff_door
from tests.wallet.identity.conftest import tier_of

SECRET = Settings().identity_webhook_secrets


@pytest.fixture
def customer(app: Flask, customer_id: UUID) -> Door:
    return customer_door(app, customer_id)


@pytest.fixture
def staff(app: Flask) -> Door:
    return staff_door(app, "identity.read", "identity.write")


def check(customer: Door, document: str, **more: Any) -> dict[str, Any]:
    answer = customer.ask("POST", "/identity-checks", {"document_token": document}, **more)
    assert answer.status_code == 201
    assert answer.json is not None
    return answer.json


def reference_of(check_id: str) -> str:
    with transaction() as session:
        query = text("SELECT provider_reference FROM wallet.identity_check WHERE id = :id")
        return str(session.scalar(query, {"id": UUID(check_id)}))


def told(check_id: str, status: str, **more: Any) -> bytes:
    return json.dumps({"id": reference_of(check_id), "reference": check_id, "status": status, **more}).encode()


def call_back(client: FlaskClient, body: bytes, *, secret: str = SECRET, seconds_ago: int = 0) -> int:
    at = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    headers = {"Identity-Signature": signatures.sign(body, secret=secret, at=at)}
    return client.post("/hooks/identity", data=body, content_type="application/json", headers=headers).status_code


def test_customer_sees_the_tier_rise(customer: Door) -> None:
    assert customer.ask("GET", "/identity").json == {"tier": "basic", "check": None}

    opened = check(customer, "sandbox_approved")

    assert (opened["status"], opened["sdk_token"], opened["url"], opened["reasons"]) == ("approved", None, None, [])
    assert customer.ask("GET", "/identity").json == {"tier": "verified", "check": opened}
    assert customer.ask("GET", f"/identity-checks/{opened['id']}").json == opened


def test_retry_has_the_same_answer(customer: Door) -> None:
    first = check(customer, "sandbox_review", key="one")

    again = customer.ask("POST", "/identity-checks", {"document_token": "sandbox_review"}, key="one")

    assert (again.status_code, again.json, again.headers["Idempotency-Replayed"]) == (201, first, "true")
    other = customer.ask("POST", "/identity-checks", {"document_token": "sandbox_approved"}, key="one")
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")  # type: ignore[index]


@pytest.mark.parametrize("body", [{"document_token": ""}, {"document_token": 7}, {"document_token": "x" * 256}, []])
def test_bad_input_is_named(customer: Door, body: Any) -> None:
    answer = customer.ask("POST", "/identity-checks", body)

    assert (answer.status_code, answer.json["code"]) == (422, "invalid_input")  # type: ignore[index]


def test_refusals_have_codes_of_their_own(customer: Door) -> None:
    unknown = customer.ask("POST", "/identity-checks", {"document_token": "passport"})
    open_ = check(customer, "sandbox_review")
    second = customer.ask("POST", "/identity-checks", {})

    assert unknown.json is not None
    assert second.json is not None
    assert (unknown.status_code, unknown.json["code"], unknown.json["reason"]) == (
        422,
        "identity_check_refused",
        "unknown_document",
    )
    assert (second.status_code, second.json["code"]) == (409, "identity_check_open")
    assert second.json["identity_check_id"] == open_["id"]


def test_call_back_brings_the_verdict_once(customer: Door) -> None:
    opened = check(customer, "sandbox_review")
    assert opened["sdk_token"].startswith("sandbox_review_")
    body = told(opened["id"], "approved")

    assert [call_back(customer.client, body) for _ in range(2)] == [204, 204]
    assert call_back(customer.client, told(opened["id"], "rejected", reasons=["late"])) == 204

    shown = customer.ask("GET", "/identity").json
    assert shown is not None
    assert (shown["tier"], shown["check"]["status"], shown["check"]["sdk_token"]) == ("verified", "approved", None)


def test_forged_or_stale_call_back_changes_nothing(customer: Door) -> None:
    opened = check(customer, "sandbox_review")
    body = told(opened["id"], "approved")

    assert call_back(customer.client, body, secret="guessed") == 403
    assert call_back(customer.client, body, seconds_ago=400) == 403
    assert call_back(customer.client, body, seconds_ago=-400) == 403
    assert customer.client.post("/hooks/identity", data=body).status_code == 403

    assert tier_of(customer.id) == "basic"
    assert customer.ask("GET", f"/identity-checks/{opened['id']}").json == opened


def test_call_back_about_nothing_of_ours_is_taken_and_dropped(customer: Door) -> None:
    stranger = json.dumps({"id": "x", "reference": str(ids.new()), "status": "approved"}).encode()

    assert [call_back(customer.client, body) for body in (stranger, b"{}", b"[1]")] == [204, 204, 204]


def test_call_back_that_names_another_checks_reference_is_refused(customer: Door) -> None:
    taken = reference_of(check(customer, "sandbox_rejected")["id"])
    pending = check(customer, "sandbox_timeout")
    body = json.dumps({"id": taken, "reference": pending["id"], "status": "approved"}).encode()

    assert call_back(customer.client, body) == 409

    assert tier_of(customer.id) == "basic"


def test_staff_list_checks_by_status(customer: Door, staff: Door) -> None:
    rejected, waiting = check(customer, "sandbox_rejected"), check(customer, "sandbox_review")

    everything = staff.ask("GET", "/identity-checks").json
    first = staff.ask("GET", "/identity-checks?limit=1").json
    assert everything is not None
    assert first is not None
    rest = staff.ask("GET", f"/identity-checks?limit=1&cursor={first['next_cursor']}").json
    one = staff.ask("GET", "/identity-checks?status=rejected").json

    assert rest is not None
    assert one is not None
    assert [each["id"] for each in everything["items"]] == [waiting["id"], rejected["id"]]
    assert first["items"] + rest["items"] == everything["items"]
    assert [(each["id"], each["status"], each["customer_id"]) for each in one["items"]] == [
        (rejected["id"], "rejected", str(customer.id))
    ]
    assert "sdk_token" not in one["items"][0]
    assert staff.ask("GET", "/identity-checks?status=lost").status_code == 422


def test_staff_set_a_tier_which_is_audited(customer: Door, staff: Door) -> None:
    path = f"/customers/{customer.id}/tier"

    for tier in ("enhanced", "enhanced", "basic"):
        answer = staff.ask("PUT", path, {"tier": tier, "reason": "case-4711"})
        assert (answer.status_code, answer.json) == (200, {"customer_id": str(customer.id), "tier": tier})

    with transaction() as session:
        rows = session.execute(text("SELECT actor, action, target, change FROM core.audit_entry ORDER BY id")).all()
    assert [row.change["tier"] for row in rows] == ["enhanced", "basic"]
    assert tuple(rows[0]) == (
        f"staff:{staff.id}",
        "customer.tier_set",
        f"customer:{customer.id}",
        {"tier": "enhanced", "previous_tier": "basic", "reason": "case-4711"},
    )


def test_staff_name_a_known_tier_a_known_customer_and_a_code(customer: Door, staff: Door) -> None:
    def code(customer_id: UUID, tier: str, reason: str) -> tuple[int, str]:
        return staff.code("PUT", f"/customers/{customer_id}/tier", {"tier": tier, "reason": reason})

    assert code(ids.new(), "verified", "case-1") == (404, "not_found")
    assert code(customer.id, "gold", "case-1") == (422, "invalid_input")
    assert code(customer.id, "verified", "Ana Lima lost her passport") == (422, "invalid_input")
    assert code(customer.id, "verified", "") == (422, "invalid_input")
    assert tier_of(customer.id) == "basic"
