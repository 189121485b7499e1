"""Shapes of approvals."""

from marshmallow import Schema, fields, validate

from auth.step_up.models import PURPOSES
from core.web.schemas import Instant, MoneySchema

#: As an approval is shown: `lapsed` is one whose two minutes are over.
STATUSES = ("waiting", "approved", "used", "void", "lapsed")


class ApprovalProofArgsSchema(Schema):
    credential = fields.Dict(
        keys=fields.String(),
        required=True,
        metadata={"description": "AuthenticationResponseJSON: what the platform's call gave, as it is."},
    )


class PaymentApprovalSchema(Schema):
    """What the customer is about to pay. It is good for exactly that, once, until `expires_at`."""

    id = fields.UUID(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    purpose = fields.String(required=True, validate=validate.OneOf(PURPOSES))
    payment_id = fields.UUID(required=True, metadata={"description": "What the payment will be called."})
    amount = fields.Nested(MoneySchema(), required=True, metadata={"description": "With the tip."})
    expires_at = Instant(required=True)
