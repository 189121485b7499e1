"""What can be asked to be approved."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from auth import merchants
from core import clock, ids
from core.db import transaction
from tests.wallet.step_up.conftest import Payer, code_of, usd

SOME_ID = "01900000-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"purpose": "payment"}, "/payee"),
        ({"purpose": "payment", "payee": {"phone": "+12025550199"}}, "/payee"),
        ({"purpose": "payment", "payee": {"merchant_id": SOME_ID, "store_id": SOME_ID}}, "/payee"),
        ({"purpose": "sending", "payee": {"code": "x"}}, "/payee"),
        ({"purpose": "sending", "payee": {"link": False}}, "/payee/link"),
        ({"purpose": "gift_card", "payee": {"link": True}}, "/payee"),
        ({"purpose": "loan"}, "/purpose"),
        ({"purpose": "payment", "payee": {"merchant_id": SOME_ID}, "amount": None}, "/amount"),
        ({"purpose": "sending", "payee": {"link": True}, "tip_minor": 1}, "/tip_minor"),
        ({"purpose": "gift_card", "amount": {"amount_minor": 0, "currency": "USD"}}, "/amount/amount_minor"),
        ({"purpose": "gift_card", "payment_id": SOME_ID}, "/payment_id"),
        ({"purpose": "gift_card", "status": "approved"}, "/status"),
    ],
    ids=str,
)
def test_what_says_nothing_clear_is_told_where(ada: Payer, body: dict[str, Any], pointer: str) -> None:
    answer = ada.door.ask("POST", "/approvals", {"amount": usd(100), **body})

    assert answer.status_code == 422, answer.json
    assert answer.json is not None
    assert pointer in [each["pointer"] for each in answer.json["errors"]]


def test_a_merchant_that_there_is_not_cannot_be_approved(ada: Payer) -> None:
    for place in ("merchant_id", "store_id"):
        assert code_of(ada.ask("payment", 100, {place: str(ids.new())})) == (404, "merchant_unknown")


@pytest.mark.parametrize("table", ["store", "merchant"])
def test_whoever_is_suspended_cannot_be_approved(ada: Payer, shop: UUID, table: str) -> None:
    with transaction() as session:
        store_id = merchants.add_store(session, merchant_id=shop, name="Main Street", now=clock.now()).id
        session.execute(text(f"UPDATE auth.{table} SET status = 'suspended'"))

    assert code_of(ada.ask("payment", 100, {"store_id": str(store_id)})) == (404, "merchant_unknown")
    told = ada.ask("payment", 100, {"merchant_id": str(shop)})
    assert code_of(told) == ((201, "") if table == "store" else (404, "merchant_unknown"))
