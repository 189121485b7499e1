"""Plain schemas: the quick way says and takes what marshmallow does, and steps aside where it cannot."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_dump, post_load, validates, validates_schema

from core.web.plain import PlainSchema
from core.web.schemas import BalanceMoneySchema, Instant, MoneySchema

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


class OrderSchema(PlainSchema):
    merchant_id = fields.UUID()
    store_id = fields.UUID()
    amount = fields.Nested(MoneySchema(), required=True)
    tips = fields.List(fields.Nested(MoneySchema()), load_default=None, allow_none=True)
    tip_minor = fields.Integer(strict=True, load_default=0)
    shown = fields.String(dump_only=True)

    @validates_schema
    def _names_one(self, data: dict[str, Any], **_: Any) -> None:
        if ("merchant_id" in data) == ("store_id" in data):
            raise ValidationError("Send one of merchant_id and store_id.", "merchant_id")


MERCHANT = str(RECEIPT["id"])
ORDER = {"merchant_id": MERCHANT, "amount": MONEY}


@pytest.mark.parametrize(
    "change", [{}, {"tips": [MONEY]}, {"tips": None}, {"tip_minor": 3, "merchant_id": MERCHANT.upper()}], ids=str
)
def test_what_is_read_is_what_marshmallow_reads(change: dict[str, Any]) -> None:
    schema, given = OrderSchema(), ORDER | change

    assert list(schema.load(given).items()) == list(Schema.load(schema, given).items())


def test_ids_are_read_and_defaults_filled_in() -> None:
    assert OrderSchema().load(ORDER) == {
        "merchant_id": RECEIPT["id"], "amount": MONEY, "tips": None, "tip_minor": 0,
    }  # fmt: skip


def refusal(load: Callable[[], object]) -> Any:
    with pytest.raises(ValidationError) as caught:
        load()
    return caught.value.messages


@pytest.mark.parametrize(
    ("given", "at_fault"),
    [
        ({}, {"amount"}),
        ([], {"_schema"}),
        (None, {"_schema"}),
        (ORDER | {"store_id": MERCHANT}, {"merchant_id"}),
        (ORDER | {"store_id": MERCHANT, "amount": None}, {"amount"}),
        (ORDER | {"merchant_id": "x", "tip_minor": 1.5, "more": 1}, {"merchant_id", "tip_minor", "more"}),
        (ORDER | {"amount": MONEY | {"amount_minor": 0, "currency": "usd"}}, {"amount"}),
        (ORDER | {"tips": [MONEY, {}]}, {"tips"}),
        (ORDER | {"shown": "x"}, {"shown"}),
    ],
)
def test_all_that_is_wrong_is_told_as_marshmallow_tells_it(given: Any, at_fault: set[str]) -> None:
    schema = OrderSchema()
    told = refusal(lambda: schema.load(given))

    assert told == refusal(lambda: Schema.load(schema, given))
    assert set(told) == at_fault


def test_other_ways_of_loading_are_left_to_marshmallow() -> None:
    schema = OrderSchema()

    assert [order["amount"] for order in schema.load([ORDER], many=True)] == [MONEY]
    assert "more" not in schema.load(ORDER | {"more": 1}, unknown=EXCLUDE)
    assert schema.load({"merchant_id": MERCHANT}, partial=True) == {"merchant_id": RECEIPT["id"]}
    assert OrderSchema(partial=True).load({"merchant_id": MERCHANT}) == {"merchant_id": RECEIPT["id"]}
    assert "more" not in OrderSchema(unknown=EXCLUDE).load(ORDER | {"more": 1})
    assert set(OrderSchema(only=["merchant_id"]).load({"merchant_id": MERCHANT})) == {"merchant_id"}


class LoadedSchema(PlainSchema):
    state = fields.String()

    @post_load
    def rename(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {"status": data["state"]}


class CheckedSchema(PlainSchema):
    state = fields.String()

    @validates("state")
    def is_open(self, value: str, **_: Any) -> None:
        if value != "open":
            raise ValidationError("Must be open.")


class ComparedSchema(PlainSchema):
    state = fields.String()

    @validates_schema(pass_original=True)
    def is_open(self, data: dict[str, Any], original: dict[str, Any], **_: Any) -> None:
        if original["state"] != "open":
            raise ValidationError("Must be open.", "state")


class FreshSchema(PlainSchema):
    state = fields.List(fields.String(), load_default=list)


def test_hooks_hold_as_a_body_is_read() -> None:
    assert LoadedSchema().load({"state": "open"}) == {"status": "open"}
    assert RenamedSchema().load({"status": "open"}) == {"state": "open"}
    assert KeyedSchema().load({"status": "open"}) == {"state": "open"}
    assert CheckedSchema().load({"state": "open"}) == {"state": "open"}
    assert refusal(lambda: CheckedSchema().load({"state": "shut"})) == {"state": ["Must be open."]}
    assert refusal(lambda: ComparedSchema().load({"state": "shut"})) == {"state": ["Must be open."]}


def test_a_default_that_is_made_anew_is_shared_by_nobody() -> None:
    schema = FreshSchema()

    assert schema.load({})["state"] is not schema.load({})["state"]
