"""Schemas of answers: the quick way says what marshmallow says, and steps aside where it cannot."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from marshmallow import Schema, fields, post_dump

from core.web.schemas import BalanceMoneySchema, Instant, PlainSchema

MONEY = {"amount_minor": 1250, "currency": "USD"}


class ReceiptSchema(PlainSchema):
    id = fields.UUID(required=True)
    amount = fields.Nested(BalanceMoneySchema(), required=True)
    tip = fields.Nested(BalanceMoneySchema(only=["amount_minor"]))
    parts = fields.List(fields.Nested(BalanceMoneySchema()))
    lines = fields.Nested(BalanceMoneySchema(many=True))
    reference = fields.String(allow_none=True)
    paid_at = Instant()
    secret = fields.String(load_only=True)


RECEIPT = {
    "id": UUID("019e0000-0000-7000-8000-000000000000"),
    "amount": {**MONEY, "unknown": "dropped"},
    "tip": MONEY,
    "parts": [MONEY, {"amount_minor": 0, "currency": "GBP"}],
    "lines": [MONEY],
    "reference": "Till 4",
    "paid_at": datetime(2026, 11, 21, 12, 0, tzinfo=UTC),
    "secret": "never shown",
}


@pytest.mark.parametrize(
    "change",
    [{}, {"reference": None}, {"amount": None}, {"paid_at": None}, {"parts": []}, {"parts": None}, {"id": None}],
    ids=str,
)
def test_what_is_written_is_what_marshmallow_writes(change: dict[str, Any]) -> None:
    schema = ReceiptSchema()
    given = RECEIPT | change

    assert list(schema.dump(given).items()) == list(Schema.dump(schema, given).items())


def test_members_stand_in_the_order_of_the_schema_and_no_others() -> None:
    told = ReceiptSchema().dump(dict(reversed(RECEIPT.items())))

    assert list(told) == ["id", "amount", "tip", "parts", "lines", "reference", "paid_at"]
    assert told["amount"] == MONEY
    assert told["tip"] == {"amount_minor": 1250}


def test_what_is_not_there_is_left_out() -> None:
    assert ReceiptSchema().dump({"reference": "Till 4"}) == {"reference": "Till 4"}


def test_several_are_written_one_by_one() -> None:
    assert BalanceMoneySchema(many=True).dump([MONEY, MONEY]) == [MONEY, MONEY]
    assert BalanceMoneySchema().dump([MONEY], many=True) == [MONEY]


def test_objects_are_left_to_marshmallow() -> None:
    class Money:
        amount_minor, currency = 1250, "USD"

    assert BalanceMoneySchema().dump(Money()) == MONEY


class RenamedSchema(PlainSchema):
    status = fields.String(attribute="state")


class KeyedSchema(PlainSchema):
    state = fields.String(data_key="status")


class DefaultSchema(PlainSchema):
    status = fields.String(dump_default="open")


class ComputedSchema(PlainSchema):
    status = fields.Function(lambda given: given.get("state", "open"))


class HookedSchema(PlainSchema):
    state = fields.String()

    @post_dump
    def rename(self, told: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {"status": told.get("state", "open")}


@pytest.mark.parametrize("schema", [RenamedSchema, KeyedSchema, HookedSchema, ComputedSchema])
def test_names_hooks_and_functions_hold(schema: Callable[[], Schema]) -> None:
    assert schema().dump({"state": "open"}) == {"status": "open"}


def test_a_default_is_told() -> None:
    assert DefaultSchema().dump({}) == {"status": "open"}
