"""Sandboxes on the wire."""

from marshmallow import Schema, fields, validate

from core.money import MAX_AMOUNT_MINOR
from core.web.schemas import Instant, MoneySchema
from rewards.tills.sandbox.money import REGULAR
from wallet.paying.api.schemas import CODE, TIP

_NAME = {"description": "Of the sandbox's customers.", "example": REGULAR}


class SandboxArgsSchema(Schema):
    """`public_key` (PEM, Ed25519 or P-256) is of the pair that the integrator's till made and keeps."""

    name = fields.String(required=True, validate=validate.Length(min=1, max=100))
    public_key = fields.String(required=True, validate=validate.Length(min=1, max=2_000))
    time_zone = fields.String(load_default=None, allow_none=True, metadata={"example": "Europe/London"})


class SandboxPlaceSchema(Schema):
    merchant_id = fields.UUID()
    store_id = fields.UUID()
    terminal_id = fields.UUID()
    created_at = Instant()


class SandboxTokenSchema(Schema):
    access_token = fields.String()
    expires_at = Instant()


class SandboxCustomerSchema(Schema):
    name = fields.String(metadata=_NAME)
    id = fields.UUID()
    available = fields.Nested(MoneySchema())


class ScenarioSchema(Schema):
    """A voucher to ask for; `answer`: `taken`, or the code of the refusal that a till meets."""

    name = fields.String(metadata={"example": "expired"})
    answer = fields.String(metadata={"example": "voucher_expired"})
    note = fields.String()


class SandboxSchema(Schema):
    merchant_id = fields.UUID()
    store_id = fields.UUID()
    terminal_id = fields.UUID(metadata={"description": "That the sandbox was made with."})
    customers = fields.List(fields.Nested(SandboxCustomerSchema()))
    scenarios = fields.List(fields.Nested(ScenarioSchema()))


class SandboxCodeSchema(Schema):
    """What the customer's app would show now."""

    customer_code = fields.String(metadata={"example": "PF-ABCDEFGHIJKLMNOP-01234567"})
    expires_at = Instant()
    seconds_left = fields.Integer()


class SandboxVoucherArgsSchema(Schema):
    scenario = fields.String(required=True, validate=validate.Length(min=1, max=50), metadata={"example": "expired"})
    customer = fields.String(load_default=REGULAR, validate=validate.Length(min=1, max=50), metadata=_NAME)


class SandboxVoucherSchema(ScenarioSchema):
    name = fields.String(data_key="scenario", metadata={"example": "expired"})
    code = fields.String(metadata={"example": "4K7P2X9MTD3HQ8WA"})
    voucher_id = fields.UUID(allow_none=True, metadata={"description": "None where there is no such voucher."})
    expires_at = Instant(allow_none=True)


class SandboxTopupArgsSchema(Schema):
    customer = fields.String(load_default=REGULAR, validate=validate.Length(min=1, max=50), metadata=_NAME)
    amount_minor = fields.Integer(
        required=True, strict=True, validate=validate.Range(min=1, max=MAX_AMOUNT_MINOR), metadata={"example": 5000}
    )


class SandboxPaymentArgsSchema(Schema):
    """What the customer's app does with a QR that it has scanned off a till or in a store."""

    customer = fields.String(load_default=REGULAR, validate=validate.Length(min=1, max=50), metadata=_NAME)
    code = fields.String(required=True, validate=CODE, metadata={"description": "The text of the scanned QR."})
    amount_minor = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=validate.Range(min=1, max=MAX_AMOUNT_MINOR),
        metadata={"description": "Without the tip; left out where the code says it."},
    )
    tip_minor = fields.Integer(strict=True, load_default=0, validate=TIP)


class SandboxTopupSchema(Schema):
    customer = fields.String(metadata=_NAME)
    available = fields.Nested(MoneySchema())
