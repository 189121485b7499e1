"""A till's redemption over HTTP: what its key and its reference answer the second time."""

from typing import Any

from core import ids
from core.db import connection_of, transaction
from tests.rewards.test_api import BASKET, Door, running, staff, till

__all__ = ["staff", "till"]


def asked(code: str, **changes: Any) -> dict[str, Any]:
    return {"code": code, "basket": BASKET, "currency": "USD", "till_reference": str(ids.new())} | changes


def generic(staff: Door, **changes: Any) -> str:
    made = staff.post(f"/campaigns/{running(staff, **changes)}/vouchers", {})
    assert made.status_code == 201, made.json
    return str(made.json["code"])


def test_refused_redemption_stays_refused_under_its_key(staff: Door, till: Door) -> None:
    code = generic(staff, min_spend_minor=2_001)
    request = asked(code)

    first = till.post("/redemptions", request, "k")
    with transaction() as session:
        connection_of(session).execute("UPDATE rewards.campaign SET min_spend_minor = 0, revision = revision + 1")
    again = till.post("/redemptions", request, "k")
    other = till.post("/redemptions", {**request, "currency": "EUR"}, "k")

    assert (first.status_code, first.json["code"], first.json["min_spend_minor"]) == (422, "minimum_spend", 2_001)
    assert (again.status_code, again.json, again.headers["Idempotency-Replayed"]) == (422, first.json, "true")
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    assert till.post("/redemptions", request, "another key").status_code == 201


def test_redemption_is_answered_again_under_its_key_and_its_reference(staff: Door, till: Door) -> None:
    request = asked(generic(staff))

    first = till.post("/redemptions", request, "k")
    answers = [till.post("/redemptions", request, key) for key in ("k", "another key")]
    changed = {**request, "basket": {"lines": [BASKET["lines"][0] | {"quantity": "3"}]}}

    assert (first.status_code, "Idempotency-Replayed" in first.headers) == (201, False)
    for answer in answers:
        assert (answer.status_code, answer.json, answer.headers["Idempotency-Replayed"]) == (201, first.json, "true")
    assert till.post("/redemptions", changed, "k").json["code"] == "idempotency_key_reused"
    refused = till.post("/redemptions", changed, "a third key")
    assert (refused.status_code, refused.json["code"]) == (409, "redemption_reference_reused")


def test_redemption_needs_a_key(staff: Door, till: Door) -> None:
    code = generic(staff)

    answer = till.app.test_client().post("/merchant/v1/redemptions", json=asked(code), headers=till.headers)

    assert (answer.status_code, answer.json["code"]) == (400, "idempotency_key_missing")
