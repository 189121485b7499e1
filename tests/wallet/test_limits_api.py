"""Limits at the doors: what is left of mine, and what staff make of them."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from core import clock, ids
from core.db import connection_of, transaction
from tests.wallet.conftest import NOW, open_cash
from tests.wallet.doors import Door, customer_door, sign_up, staff_door
from wallet import limits
from wallet.errors import LimitExceeded
from wallet.identity import tiers
from wallet.ledger import Limit

RULE = {"per_transfer_minor": 100, "per_day_minor": 300, "per_month_minor": 900, "count_per_hour": 7}


@pytest.fixture
def customer(app: Flask) -> Door:
    with transaction() as session:
        limits.ensure_defaults(session, now=NOW)
    return customer_door(app, sign_up())


@pytest.fixture
def staff(app: Flask) -> Door:
    return staff_door(app, "limits.read", "limits.write")


def use(customer_id: UUID, amount: int, scope: str = "pay") -> None:
    with transaction() as session:
        limits.take(connection_of(session), [Limit(customer_id=customer_id, scope=scope, asset="USD", amount=amount)],
                    at=clock.now())  # fmt: skip


def shown(door: Door, path: str = "/limits", **chosen: Any) -> list[dict[str, Any]]:
    answer = door.ask("GET", path).json
    assert answer is not None
    return [each for each in answer["items"] if chosen.items() <= each.items()]


def test_customer_sees_what_is_left_of_each_limit(customer: Door) -> None:
    use(customer.id, 1250)

    pay = {each["limit"]: each for each in shown(customer, scope="pay")}
    [sent] = shown(customer, scope="send", limit="per_day")

    assert set(pay) == {"per_transfer", "per_day", "per_month", "count_per_hour"}
    day = pay["per_day"]
    assert (day["maximum"], day["used"], day["left"]) == (250_000, 1_250, 248_750)
    assert (day["period"], day["unit"], day["currency"]) == ("day", "minor", "USD")
    assert day["renews_at"].endswith("Z")
    assert (pay["count_per_hour"]["used"], pay["count_per_hour"]["unit"]) == (1, "transfers")
    assert (pay["per_transfer"]["used"], pay["per_transfer"]["renews_at"]) == (0, None)
    assert (sent["used"], sent["left"]) == (0, 50_000)


def test_ceiling_counts_what_stands_on_the_cash(customer: Door) -> None:
    with transaction() as session:
        open_cash(connection_of(session), 700, customer_id=customer.id)

    [ceiling] = shown(customer, limit="ceiling")

    assert (ceiling["scope"], ceiling["period"], ceiling["used"], ceiling["left"]) == ("load", None, 700, 499_300)


def test_limits_follow_the_tier(customer: Door, staff: Door) -> None:
    assert customer.ask("GET", "/limits").json["tier"] == "basic"  # type: ignore[index]
    with transaction() as session:
        tiers.set_(session, customer.id, tier="enhanced", reason="case-1", actor="staff:1", now=clock.now())

    told = customer.ask("GET", "/limits").json
    assert told == staff.ask("GET", f"/customers/{customer.id}/limits").json
    assert told is not None
    assert (told["tier"], told["items"]) == ("enhanced", [])
    assert {each["above"]["amount_minor"] for each in told["approvals"]} == {100_000}


def test_staff_see_one_customers_limits_as_the_customer_does(customer: Door, staff: Door) -> None:
    use(customer.id, 99)

    seen = staff.ask("GET", f"/customers/{customer.id}/limits")

    assert seen.json == customer.ask("GET", "/limits").json
    assert staff.code("GET", f"/customers/{ids.new()}/limits") == (404, "not_found")


def test_staff_set_a_rule_which_holds_from_then_on(customer: Door, staff: Door) -> None:
    answer = staff.ask("PUT", "/limits/basic/pay/USD", RULE)
    again = staff.ask("PUT", "/limits/basic/pay/USD", RULE)
    lifted = staff.ask("PUT", "/limits/basic/load/USD", {**RULE, "per_month_minor": None, "ceiling_minor": 0})

    assert answer.json is not None
    assert lifted.json is not None
    assert {**answer.json, "updated_at": None} == {
        "tier": "basic", "scope": "pay", "currency": "USD", **RULE, "ceiling_minor": None,
        "step_up_above_minor": 25_000, "updated_at": None,
    }  # fmt: skip
    assert again.json == answer.json
    assert shown(staff, tier="basic", scope="pay", currency="USD") == [answer.json]
    assert [each["maximum"] for each in shown(customer, scope="pay")] == [100, 300, 900, 7]
    assert (lifted.json["per_month_minor"], lifted.json["ceiling_minor"]) == (None, 0)
    with pytest.raises(LimitExceeded):
        use(customer.id, 101)
    use(customer.id, 100)


def test_change_of_a_rule_is_audited_once(customer: Door, staff: Door) -> None:
    for _ in range(2):
        staff.ask("PUT", "/limits/basic/pay/USD", RULE)

    with transaction() as session:
        [row] = session.execute(text("SELECT actor, action, target, change FROM core.audit_entry")).all()
    assert (row.actor, row.action, row.target) == (f"staff:{staff.id}", "limit.set", "limit:basic:pay:USD")
    assert (row.change["before"]["per_day"], row.change["after"]["per_day"]) == (250_000, 300)


@pytest.mark.parametrize(
    ("change", "pointer", "detail"),
    [
        ({"per_transfer_minor": 301}, "/per_transfer_minor", "Must be at most per_day_minor."),
        ({"per_day_minor": 901}, "/per_day_minor", "Must be at most per_month_minor."),
        ({"per_day_minor": -1}, "/per_day_minor", "Must be a whole number from 0"),
        ({"per_day_minor": 2**53}, "/per_day_minor", "Must be a whole number from 0"),
        ({"per_day_minor": 1.5}, "/per_day_minor", "Not a valid integer."),
        ({"per_day_minor": "300"}, "/per_day_minor", "Not a valid integer."),
        ({"count_per_hour": 1_000_001}, "/count_per_hour", "Must be from 0 to 1000000"),
        ({"ceiling_minor": 1}, "/ceiling_minor", "Only the scope load has a ceiling."),
        ({"per_week_minor": 1}, "/per_week_minor", "Unknown field."),
    ],
)
def test_bad_rule_is_told_where(customer: Door, staff: Door, change: dict[str, Any], pointer: str, detail: str) -> None:
    answer = staff.ask("PUT", "/limits/basic/pay/USD", RULE | change)

    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_input")
    assert [each["pointer"] for each in answer.json["errors"]] == [pointer]
    assert detail in answer.json["errors"][0]["detail"]
    assert shown(staff, tier="basic", scope="pay")[0]["per_day_minor"] == 250_000


def test_measure_that_is_forgotten_is_not_lifted(customer: Door, staff: Door) -> None:
    for name in RULE:
        body = {other: value for other, value in RULE.items() if other != name}
        assert staff.code("PUT", "/limits/basic/pay/USD", body) == (422, "invalid_input")


def test_unknown_tier_scope_and_currency_are_refused(customer: Door, staff: Door) -> None:
    assert staff.code("PUT", "/limits/gold/pay/USD", RULE) == (404, "not_found")
    assert staff.code("PUT", "/limits/basic/spend/USD", RULE) == (404, "not_found")
    assert staff.code("PUT", "/limits/basic/pay/XXX", RULE) == (422, "currency_unknown")
    assert staff.code("PUT", "/limits/basic/pay/PTS", RULE) == (422, "currency_unknown")
