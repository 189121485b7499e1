"""Top-ups on the wire."""

from marshmallow import Schema, fields, validate

from core.web.schemas import AMOUNT, BalanceMoneySchema, Instant, MoneySchema, PageArgs

STATES = ("pending", "requires_action", "succeeded", "failed", "in_doubt")
REFUND_STATES = ("pending", "succeeded", "failed", "in_doubt")
METHOD = validate.Regexp(r"[A-Za-z0-9_]{1,255}\Z", error="Must be the id of a saved payment method.")


class TopupArgsSchema(Schema):
    amount = fields.Nested(MoneySchema(), required=True)
    source = fields.String(
        required=True,
        validate=validate.Length(min=1, max=255),
        metadata={
            "description": "The payment provider's token for a card or bank account, or a saved payment method's id.",
            "example": "sandbox_ok",
        },
    )


class ActionSchema(Schema):
    """What the provider's SDK in the app goes on with."""

    client_secret = fields.String(required=True)
    publishable_key = fields.String(required=True)


class TopupSchema(Schema):
    """`requires_action`: hand `action` to the provider's SDK, which lets the customer prove who they are; then, as with
    `in_doubt` (the provider has not told us yet), ask GET /topups/{id} again."""

    id = fields.UUID(required=True)
    amount = fields.Nested(MoneySchema(), required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    decline_code = fields.String(allow_none=True)
    refunded = fields.Nested(BalanceMoneySchema(), required=True)
    created_at = Instant(required=True)
    action = fields.Nested(ActionSchema(), allow_none=True)


class IntentArgsSchema(Schema):
    amount = fields.Nested(MoneySchema(), required=True)


class IntentSchema(Schema):
    """What Stripe's PaymentSheet is opened with; `client_secret` is left out once the customer has paid."""

    topup = fields.Nested(TopupSchema(), required=True)
    client_secret = fields.String(allow_none=True)
    ephemeral_key = fields.String(required=True)
    publishable_key = fields.String(required=True)
    payer = fields.String(required=True, metadata={"description": "The provider's name for the customer."})


class PaymentMethodSchema(Schema):
    id = fields.String(required=True)
    kind = fields.String(required=True, metadata={"example": "card"})
    brand = fields.String(allow_none=True, metadata={"example": "visa"})
    last4 = fields.String(allow_none=True)
    expires_year = fields.Integer(allow_none=True)
    expires_month = fields.Integer(allow_none=True)


class AutoTopupArgsSchema(Schema):
    """Bring `amount` in whenever less than `below` is left: both in one currency."""

    below = fields.Nested(MoneySchema(), required=True)
    amount = fields.Nested(MoneySchema(), required=True)
    payment_method = fields.String(required=True, validate=METHOD)


class AutoTopupSchema(Schema):
    """`paused`: the card was declined three times in a row. PUT it again to go on."""

    below = fields.Nested(MoneySchema(), required=True)
    amount = fields.Nested(MoneySchema(), required=True)
    payment_method = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(["active", "paused"]))
    last_decline = fields.String(allow_none=True)


class NoticeTakenSchema(Schema):
    received = fields.Boolean(required=True)


class StaffTopupsArgsSchema(PageArgs):
    status = fields.String(load_default=None, validate=validate.OneOf(STATES))
    customer_id = fields.UUID(load_default=None)


class StaffTopupSchema(Schema):
    id = fields.UUID(required=True)
    customer_id = fields.UUID(required=True)
    amount = fields.Nested(MoneySchema(), required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATES))
    way = fields.String(required=True, validate=validate.OneOf(["source", "sheet", "automatic"]))
    provider_reference = fields.String(allow_none=True)
    decline_code = fields.String(allow_none=True)
    refunded = fields.Nested(BalanceMoneySchema(), required=True)
    last_error = fields.String(allow_none=True)
    created_at = Instant(required=True)


class StaffRefundArgsSchema(Schema):
    amount_minor = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=AMOUNT,
        metadata={"description": "In the top-up's currency. Left out: all that has not gone back yet."},
    )


class StaffRefundsArgsSchema(PageArgs):
    status = fields.String(load_default=None, validate=validate.OneOf(REFUND_STATES))


class StaffRefundSchema(Schema):
    """`in_doubt`: the provider has not told us yet; it is asked again for 20 hours, and then somebody settles it."""

    id = fields.UUID(required=True)
    topup_id = fields.UUID(required=True)
    amount = fields.Nested(MoneySchema(), required=True)
    status = fields.String(required=True, validate=validate.OneOf(REFUND_STATES))
    decline_code = fields.String(allow_none=True)
    created_at = Instant(required=True)


class TopupSettlementSchema(Schema):
    """What the provider's own console shows."""

    charged = fields.Boolean(required=True, truthy={True}, falsy={False})
    provider_reference = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=1, max=255),
        metadata={"description": "The provider's name for the charge.", "example": "pi_3PzW"},
    )


class RefundSettlementSchema(Schema):
    """What the provider's own console shows."""

    refunded = fields.Boolean(required=True, truthy={True}, falsy={False})
    provider_reference = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=1, max=255),
        metadata={"description": "The provider's name for the refund.", "example": "re_3PzW"},
    )
