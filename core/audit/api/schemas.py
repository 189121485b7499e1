"""Shapes of the audit log."""

from typing import Any

from marshmallow import Schema, fields, validate

from core.web.schemas import Instant, PageArgs


def _of(example: str) -> fields.String:
    more: dict[str, Any] = {"metadata": {"example": example}}
    return fields.String(load_default=None, validate=validate.Length(min=1, max=200), **more)


class AuditFilterSchema(Schema):
    actor = _of("staff:0190a5c4-0000-7000-8000-000000000000")
    action = _of("staff.roles")
    target = _of("campaign:0190a5c4-0000-7000-8000-000000000000")
    since = Instant(load_default=None)
    until = Instant(load_default=None)


class AuditArgsSchema(PageArgs, AuditFilterSchema):
    pass


class AuditEntrySchema(Schema):
    id = fields.UUID()
    at = Instant()
    actor = fields.String(metadata={"description": "staff:<id>, customer:<id>, terminal:<id> or operator"})
    action = fields.String()
    target = fields.String()
    change = fields.Dict(metadata={"description": "What changed; it holds no personal data."})
    network = fields.String(allow_none=True, metadata={"description": "The /24 or /64 that it came from."})
    client_id = fields.String(allow_none=True)
    agent = fields.String(allow_none=True, metadata={"description": "How the browser or app called itself."})
    session_id = fields.UUID(allow_none=True)
    request_id = fields.String(allow_none=True, metadata={"description": "As in the servers' log."})


class AuditHeadSchema(Schema):
    number = fields.Integer(metadata={"description": "How many blocks are sealed."})
    hash = fields.String(metadata={"description": "Of the last block and all before it, hexadecimal."})
    head = fields.String(metadata={"description": "Both, as `flask audit check --head` takes them."})
