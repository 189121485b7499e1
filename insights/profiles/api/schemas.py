from marshmallow import Schema, fields

from core.web.schemas import Instant


class TraitChangeSchema(Schema):
    """A value that a trait took, from `at` on."""

    value = fields.Raw(allow_none=True)
    at = Instant()
    source = fields.String(metadata={"description": "The source of events that said so, or journey"})


class TraitHistorySchema(Schema):
    name = fields.String()
    items = fields.List(fields.Nested(TraitChangeSchema()))
