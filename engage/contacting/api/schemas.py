"""Shapes of the contact policy on the wire. Its own grammar is `engage.contacting.policy`'s."""

from typing import Any

from marshmallow import Schema, fields, validate

from core.web.schemas import Instant


class PolicySchema(Schema):
    """`quiet`, `caps` and `control_bps`; faults come back as JSON pointers into it."""

    revision = fields.Integer(
        strict=True,
        required=True,
        validate=validate.Range(min=0, max=2**31 - 2),
        metadata={"description": "The revision that you have read; 0 where there is none yet."},
    )
    terms = fields.Dict(
        keys=fields.String(),
        required=True,
        metadata={
            "example": {
                "quiet": {"from": "21:00", "to": "09:00", "channels": ["push", "sms"]},
                "caps": [{"channel": "any", "per": "day", "most": 2}],
                "control_bps": 200,
            }
        },
    )


class PolicyRevisionSchema(PolicySchema):
    made_by: Any = fields.String(allow_none=True)
    made_at = Instant(allow_none=True)
