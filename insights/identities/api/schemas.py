from marshmallow import Schema, fields, validate

from core.web.schemas import Instant
from insights.identities.models import EVIDENCE

STATUSES = ("linked", "undone")


class LinkSchema(Schema):
    """An anonymous subject whose deeds count, or counted, as the customer's."""

    id = fields.UUID()
    customer_id = fields.UUID()
    subject_id = fields.String(metadata={"description": "A pseudonym", "example": "anonymous:5f1d7a84db00d2fce00b31a7"})
    evidence = fields.String(validate=validate.OneOf(EVIDENCE))
    status = fields.String(validate=validate.OneOf(STATUSES))
    made_at = Instant()
    undo_until = Instant()
    undone_at = Instant(allow_none=True)
    undone_by = fields.String(allow_none=True)
