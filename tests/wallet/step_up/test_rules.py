"""From where on customers approve, and that the posting function holds to it."""

from typing import Any
from uuid import UUID

import psycopg
import pytest
from flask import Flask

from auth.step_up import approvals, binding
from auth.step_up.errors import StepUpRequired
from core import clock
from core.db import connection_of, statement, transaction
from core.prepared import PreparedCall
from tests.wallet.conftest import count
from tests.wallet.doors import staff_door
from tests.wallet.step_up.conftest import LIMIT, Payer, code_of, usd
from wallet import ledger, payments
from wallet.payments import Payment


def test_finance_sets_from_where_on_customers_approve(app: Flask, ada: Payer, shop: UUID) -> None:
    finance = staff_door(app, "limits.read", "limits.write")
    rule = {"per_transfer_minor": None, "per_day_minor": None, "per_month_minor": None, "count_per_hour": None}

    kept = finance.ask("PUT", "/limits/basic/pay/USD", rule)
    lower = finance.ask("PUT", "/limits/basic/pay/USD", {**rule, "step_up_above_minor": 99})
    assert kept.json is not None
    assert lower.json is not None
    assert (kept.json["step_up_above_minor"], lower.json["step_up_above_minor"]) == (LIMIT, 99)
    assert ada.pay(99, shop).status_code == 201
    assert code_of(ada.pay(100, shop)) == (401, "step_up_required")

    finance.ask("PUT", "/limits/basic/pay/USD", {**rule, "step_up_above_minor": None})
    assert ada.pay(LIMIT + 1, shop).status_code == 201


def test_a_customer_is_told_from_where_on_before_they_pay(ada: Payer) -> None:
    told = ada.door.ask("GET", "/limits").json

    assert told is not None
    assert told["approvals"] == [{"scope": "pay", "above": usd(25_000)}, {"scope": "send", "above": usd(15_000)}]


def test_what_comes_in_is_never_approved(app: Flask, ada: Payer) -> None:
    rule = {"per_transfer_minor": None, "per_day_minor": None, "per_month_minor": None, "count_per_hour": None}

    answer = staff_door(app, "limits.write").ask("PUT", "/limits/basic/load/USD", {**rule, "step_up_above_minor": 1})

    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["errors"][0]["pointer"] == "/step_up_above_minor"


def test_a_payment_below_the_limit_is_still_one_statement(
    ada: Payer, shop: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    by_cursor, by_call = psycopg.Cursor.execute, PreparedCall._executed

    def execute(cursor: Any, query: Any, *more: Any, **named: Any) -> Any:
        asked.append(str(query))
        return by_cursor(cursor, query, *more, **named)

    def executed(call: PreparedCall, connection: Any, parameters: Any) -> Any:
        asked.append(call._name.decode())
        return by_call(call, connection, parameters)

    ada.pay(LIMIT, shop)  # what is read once a process is read by now
    monkeypatch.setattr(psycopg.Cursor, "execute", execute)
    monkeypatch.setattr(PreparedCall, "_executed", executed)

    assert ada.pay(LIMIT, shop).status_code == 201
    assert [query for query in asked if "revocation" not in query] == ["wallet_post_one"]


def test_the_ledger_lets_no_more_pass_than_was_approved(app: Flask, ada: Payer, shop: UUID) -> None:
    """Whatever a door does: with an approval of 300 dollars used, 400 do not pass the posting function."""
    approval_id = ada.approved("payment", 30_000, {"merchant_id": str(shop)})
    with statement() as connection:
        before = count(connection, "wallet.entry")

    with pytest.raises(StepUpRequired), transaction() as session:
        approvals.consume(
            session, UUID(approval_id), customer_id=ada.door.id, purpose="payment", amount_minor=30_000,
            currency="USD", payee=binding.merchant(shop), now=clock.now(),
        )  # fmt: skip
        more = Payment(
            principal=f"customer:{ada.door.id}", key="k", fingerprint=b"f", customer_id=ada.door.id,
            merchant_id=shop, amount_minor=40_000, currency="USD", at=clock.now(),
        )  # fmt: skip
        ledger.post(connection_of(session), payments.transfer_of(more))

    with statement() as connection:
        assert count(connection, "wallet.entry") == before
