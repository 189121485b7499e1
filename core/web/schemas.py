"""Shapes that every door shares: money, pages, instants."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from core.errors import InvalidInput
from core.money import MAX_AMOUNT_MINOR
from core.web.plain import PlainSchema

AMOUNT = validate.Range(min=1, max=MAX_AMOUNT_MINOR, error="Must be a whole number from 1 to 9007199254740991.")
CURRENCY = validate.Regexp(r"[A-Z]{3}\Z", error="Must be a three-letter currency code.")


class MoneySchema(PlainSchema):
    """An amount in minor units: 12.50 pounds is {"amount_minor": 1250, "currency": "GBP"}."""

    amount_minor = fields.Integer(required=True, strict=True, validate=AMOUNT, metadata={"example": 1250})
    currency = fields.String(required=True, validate=CURRENCY, metadata={"example": "USD"})


class BalanceMoneySchema(PlainSchema):
    """An amount that we tell, which may be zero or below."""

    amount_minor = fields.Integer(required=True)
    currency = fields.String(required=True)


class Instant(fields.AwareDateTime):
    """RFC 3339 UTC on the wire."""

    def __init__(self, **options: Any) -> None:
        super().__init__(format="iso", **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> datetime:
        given: datetime = super()._deserialize(value, attr, data, **more)
        try:
            return given.astimezone(UTC)
        except OverflowError as error:  # an offset may carry the first or the last day out of the calendar
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE) from error

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **_: Any) -> str | None:
        from core.events.announce import jsonable

        return None if value is None else str(jsonable(value))


class ByName(fields.Dict):
    """Texts by name. A faulty one is told by its name, and not by marshmallow's word for that it is a value."""

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **more: Any) -> Any:
        try:
            return super().deserialize(value, attr, data, **more)
        except ValidationError as error:
            if not isinstance(error.messages, dict):
                raise
            told = {
                name: [word for part in parts.values() for word in part] if isinstance(parts, dict) else parts
                for name, parts in error.messages.items()
            }
            raise ValidationError(told, valid_data=error.valid_data) from error


class PageArgs(Schema):
    """`?limit=&cursor=`; pass a page's `next_cursor` on to get the page after it."""

    limit = fields.Integer(load_default=50, validate=validate.Range(min=1, max=200))
    cursor = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=500))


def page_of(item: type[Schema]) -> Schema:
    """The schema of a page of items: {"items": [...], "next_cursor": null}."""
    name = item.__name__.removesuffix("Schema") + "PageSchema"
    members: dict[str, Any] = {
        "items": fields.List(fields.Nested(item())),
        "next_cursor": fields.String(allow_none=True),
    }
    return Schema.from_dict(members, name=name)()


def encode_cursor(*position: object) -> str:
    """An opaque cursor of a position in a list."""
    return base64.urlsafe_b64encode(json.dumps([str(part) for part in position]).encode()).decode().rstrip("=")


class CursorInvalid(InvalidInput):
    code = "cursor_invalid"
    title = "Pass on a next_cursor as it was given"


def decode_cursor(cursor: str | None, *parse: Callable[[str], Any]) -> list[Any] | None:
    """The position that `encode_cursor` made into a cursor, each part read by its parser; None for the first page.

    raises  CursorInvalid for anything that we did not make
    """
    if not cursor:
        return None
    try:
        position = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return [read(part) for read, part in zip(parse, position, strict=True)]
    except (ValueError, TypeError, AttributeError) as error:
        raise CursorInvalid(errors=[{"pointer": "/cursor", "detail": CursorInvalid.title}]) from error
