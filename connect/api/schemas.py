from marshmallow import Schema, fields, validate


class RejectedCallSchema(Schema):
    """A call of the batch that was not taken; mend it before it is sent again."""

    index = fields.Integer(metadata={"description": "Its place in the batch, from 0"})
    message_id = fields.String(allow_none=True)
    pointer = fields.String(metadata={"description": "JSON pointer to the bad field"})
    detail = fields.String()


class IngestedSchema(Schema):
    """All is committed. `rejected` is there only where calls were not taken."""

    success = fields.Boolean(metadata={"example": True})
    rejected = fields.List(fields.Nested(RejectedCallSchema()))


class ExternalIdentitySchema(Schema):
    customer_id = fields.UUID(required=True)
    external_id = fields.String(required=True, load_only=True, validate=validate.Length(min=1, max=512))
