"""Approvals on the wire, as they are asked for."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from auth.step_up.api.schemas import PaymentApprovalSchema
from auth.step_up.models import PURPOSES
from core.web.plain import PlainSchema
from core.web.schemas import MoneySchema
from wallet.paying.api.schemas import CODE, TIP

#: Which of its members the payee of each purpose may have: exactly one of them, but the brand needs none.
_PAYEES = {
    "payment": ("merchant_id", "store_id", "code"),
    "sending": ("phone", "link"),
    "money_request": ("money_request_id", "code"),
    "gift_card": (),
}
#: Where the payee says how much.
_SAYS_HOW_MUCH = ("code", "money_request_id")


class PayeeArgsSchema(PlainSchema):
    """Whom it is for, by the same name as where it is paid: of a payment `merchant_id`, `store_id` or `code`; of a
    sending `phone` or `link`; of a money request `money_request_id`, or the `code` of its link."""

    merchant_id = fields.UUID()
    store_id = fields.UUID()
    code = fields.String(validate=CODE)
    phone = fields.String(validate=validate.Length(min=1, max=40), metadata={"example": "+12125550142"})
    link = fields.Boolean(truthy={True}, falsy={False}, validate=validate.Equal(True))
    money_request_id = fields.UUID()


class PaymentApprovalArgsSchema(PlainSchema):
    """What is about to be paid, to the letter: with any other amount, tip or payee the approval is void."""

    purpose = fields.String(required=True, validate=validate.OneOf(PURPOSES))
    amount = fields.Nested(
        MoneySchema(),
        load_default=None,
        metadata={"description": "Without the tip. May be left out where a basket's code or a money request says it."},
    )
    tip_minor = fields.Integer(strict=True, load_default=0, validate=TIP)
    payee = fields.Nested(PayeeArgsSchema(), load_default=dict)

    @validates_schema
    def _names_one(self, data: dict[str, Any], **_: Any) -> None:
        allowed, given = _PAYEES[data["purpose"]], list(data["payee"])
        if len(given) != (1 if allowed else 0) or not set(given) <= set(allowed):
            told = f"Send one of {', '.join(allowed)}." if allowed else "A gift card is bought of the brand."
            raise ValidationError(told, "payee")
        if data["amount"] is None and not set(given) & set(_SAYS_HOW_MUCH):
            raise ValidationError("Missing data for required field.", "amount")
        if data["tip_minor"] and data["purpose"] != "payment":
            raise ValidationError("Only a payment has a tip.", "tip_minor")


class AskedApprovalSchema(PaymentApprovalSchema):
    """Ask the platform for `passkey`, and send what it gives to PUT /approvals/{id}/proof."""

    payee_name = fields.String(
        required=True, allow_none=True, metadata={"description": "Show it; null for whoever is given the link."}
    )
    passkey = fields.Dict(
        keys=fields.String(),
        required=True,
        metadata={"description": "PublicKeyCredentialRequestOptions as JSON: what the platform's call takes."},
    )
