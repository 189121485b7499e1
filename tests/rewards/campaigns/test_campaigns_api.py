"""Campaigns over HTTP: all of their terms, changes, copies, approvals and what is left."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from auth import tokens
from core import ids
from core.settings import Settings
from core.web.principals import Principal
from rewards.campaigns import approvals
from tests.rewards.test_api import Door, campaign, customer, given, running, staff

__all__ = ["customer", "staff"]

TERMS = {
    "limits": [{"scope": "store", "measure": "uses", "period": "day", "most": 3}],
    "schedule": {"weekly": [{"days": ["fri"], "from": "17:00", "to": "19:00"}], "except": []},
    "rule": {"fact": "basket.lines", "is": "at_least", "value": 2},
    "funders": [{"funder": "brand", "bps": 5_000}, {"funder": "partner:tea", "bps": 5_000}],
    "category": "tea",
    "is_exclusive": True,
    "priority": 7,
    "uses_per_code": 2,
}


@pytest.fixture
def low(settings: Settings) -> Iterator[None]:
    approvals.load(replace(settings, campaign_approval_above_minor=9_999))
    yield
    approvals.load(settings)


@pytest.fixture
def second(app: Flask) -> Door:
    permissions = frozenset({"campaigns.read", "campaigns.approve"})
    return Door(app, "/admin/v1", tokens.ADMIN, Principal("staff", ids.new(), permissions=permissions))


def patch(door: Door, path: str, body: Any) -> Any:
    return door.app.test_client().patch(door.prefix + path, json=body, headers=door.headers)


def test_campaign_has_the_terms_that_it_was_given(staff: Door) -> None:
    made = staff.post("/campaigns", campaign(**TERMS)).json
    assert {name: made[name] for name in TERMS} == TERMS
    assert (made["revision"], made["needs_approval"], made["funded"]["amount_minor"]) == (1, False, 10_000)


def test_a_tenth_is_held_out_unless_something_else_is_said(staff: Door) -> None:
    body = campaign()
    del body["holdout_bps"]
    assert staff.post("/campaigns", body).json["holdout_bps"] == 1_000
    assert staff.post("/campaigns", campaign(holdout_bps=10_001)).status_code == 422


def test_held_out_customer_is_refused_by_name(staff: Door, customer: Door) -> None:
    path = f"/campaigns/{running(staff, holdout_bps=10_000)}/vouchers"
    answer = staff.post(path, {"customer_id": str(customer.principal.id)})
    assert (answer.status_code, answer.json["code"]) == (422, "held_out")


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"limits": [{"scope": "shop"}]}, "limits_invalid", "/limits/0/measure"),
        ({"schedule": {"weekly": []}}, "schedule_invalid", "/schedule/weekly"),
        ({"funders": [{"funder": "brand", "bps": 1}]}, "funders_invalid", "/funders"),
        ({"rule": {"fact": "basket.totl", "is": "at_least", "value": 1}}, "rule_invalid", "/rule/fact"),
        ({"schedule": {}, "funders": [{"funder": "brand", "bps": 1}]}, "invalid_input", "/funders"),
    ],
)
def test_terms_that_make_no_sense_are_refused_by_name(
    staff: Door,
    changes: dict[str, Any],
    code: str,
    pointer: str,
) -> None:
    answer = staff.post("/campaigns", campaign(**changes))
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert pointer in [error["pointer"] for error in answer.json["errors"]]
    assert staff.get("/campaigns").json["items"] == []


def test_campaign_is_changed_and_its_versions_are_kept(staff: Door, customer: Door) -> None:
    campaign_id = running(staff)
    changed = patch(staff, f"/campaigns/{campaign_id}", {"limit_per_customer": 3, "category": "tea"})
    assert (changed.status_code, changed.json["revision"], changed.json["limit_per_customer"]) == (200, 2, 3)
    assert changed.json["budget_left"]["amount_minor"] == 10_000

    given(staff, campaign_id, customer)
    fixed = patch(staff, f"/campaigns/{campaign_id}", {"discount": {"kind": "amount", "amount_minor": 1}})
    assert (fixed.status_code, fixed.json["code"], fixed.json["terms"]) == (409, "campaign_terms_fixed", ["discount"])
    for body in ({"kind": "gift_card"}, {"currency": "EUR"}, {"audience": []}, {"name": ""}):
        assert patch(staff, f"/campaigns/{campaign_id}", body).status_code == 422

    first = staff.get(f"/campaigns/{campaign_id}/versions?limit=1").json
    rest = staff.get(f"/campaigns/{campaign_id}/versions?cursor={first['next_cursor']}").json
    revisions = [(each["revision"], each["terms"]["category"]) for each in first["items"] + rest["items"]]
    assert revisions == [(2, "tea"), (1, None)]
    assert staff.get(f"/campaigns/{ids.new()}/versions").status_code == 404


def test_copy_and_release(staff: Door) -> None:
    campaign_id = running(staff, **TERMS)
    copies = [staff.post(f"/campaigns/{campaign_id}/copies", {"name": "Again"}, "k").json for _ in range(2)]
    assert copies[0]["id"] == copies[1]["id"]
    assert (copies[0]["status"], copies[0]["copied_from"]) == ("draft", campaign_id)
    assert {name: copies[0][name] for name in TERMS} == TERMS

    assert staff.post(f"/campaigns/{campaign_id}/release", None).json["code"] == "campaign_status_refused"
    staff.put(f"/campaigns/{campaign_id}/status", {"status": "ended"})
    released = [staff.post(f"/campaigns/{campaign_id}/release", None, "r").json for _ in range(2)]
    assert [each["budget_left"]["amount_minor"] for each in released] == [0, 0]


@pytest.mark.usefixtures("low")
def test_second_person_agrees(staff: Door, second: Door) -> None:
    made = staff.post("/campaigns", campaign()).json
    path = f"/campaigns/{made['id']}"
    refused = staff.put(f"{path}/status", {"status": "running"})
    assert (made["needs_approval"], refused.status_code) == (True, 409)
    assert refused.json["code"] == "campaign_approval_needed"

    asked = staff.post(f"{path}/approval-requests", {"note": "For the spring"})
    assert (asked.status_code, asked.json["status"], "note" in asked.json) == (201, "waiting", False)
    request = f"{path}/approval-requests/{asked.json['id']}"
    assert second.get(request).json["note"] == "For the spring"
    assert staff.put(f"{request}/decision", {"approve": True}).status_code == 403
    decided = second.put(f"{request}/decision", {"approve": True, "reason": "Good"}).json
    assert (decided["status"], decided["reason"], decided["up_to"]["amount_minor"]) == ("approved", "Good", 10_000)
    assert staff.put(f"{path}/status", {"status": "running"}).json["status"] == "running"
    assert staff.put(f"{request}/withdrawal", None).status_code == 409
