"""Offline tokens on the wire."""

from marshmallow import Schema, fields, validate

from core.web.plain import PlainSchema
from core.web.schemas import AMOUNT, CURRENCY, BalanceMoneySchema, Instant, PageArgs
from rewards.api.schemas import AMOUNT_OR_NOTHING, TILL_REFERENCE, BasketSchema
from rewards.offline.tokens import MOST_SCANNED

#: What a batch holds at most: some seconds of work.
MOST_RECORDS = 500


class OfflineKeyArgsSchema(Schema):
    """`proof` is the key's signature, in base64url, of four lines: `pocketful-offline-key-1`, the customer's id,
    `signed_at`, and the SHA-256 of the public key's DER in hex."""

    public_key = fields.String(
        required=True,
        validate=validate.Length(min=1, max=1_000),
        metadata={"description": "PEM (SubjectPublicKeyInfo), ECDSA P-256 or Ed25519.", "example": "-----BEGIN PUB…"},
    )
    signed_at = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(min=0, max=10**11),
        metadata={"description": "Unix seconds.", "example": 1763797200},
    )
    proof = fields.String(required=True, validate=validate.Length(min=1, max=200))


class OfflineKeySchema(Schema):
    public_key = fields.String()
    registered_at = Instant()


class OfflineTokenSchema(Schema):
    """Show `<token>~<step>~<proof>` as a QR: `step` is the Unix time divided by 30, and `proof` the phone's signature,
    in base64url, of three lines: `pocketful-offline-1`, the step, and the token's SHA-256 in hex."""

    id = fields.UUID()
    voucher_id = fields.UUID()
    token = fields.String(metadata={"example": "eyJhbGciOiJFZERTQSIs…"})
    issued_at = Instant()
    expires_at = Instant()


class OfflineAllowanceSchema(Schema):
    currency = fields.String()
    most_minor = fields.Integer()
    most_count = fields.Integer()


class OfflineKeysSchema(Schema):
    """`keys` is a JWK set (RFC 7517), so a JOSE library can read the whole answer."""

    keys = fields.List(fields.Dict())
    allowance = fields.List(
        fields.Nested(OfflineAllowanceSchema()),
        metadata={"description": "How much of what it takes the brand answers for, each day of the store's clock."},
    )
    sync_within_hours = fields.Integer()


class OfflineRecordSchema(PlainSchema):
    """`scanned` is what the phone showed, to the letter; `amount_minor` what the till gave for it."""

    till_reference = fields.String(required=True, validate=TILL_REFERENCE)
    scanned = fields.String(required=True, validate=validate.Length(min=1, max=MOST_SCANNED))
    accepted_at = Instant(required=True)
    basket = fields.Nested(BasketSchema(), required=True)
    currency = fields.String(required=True, validate=CURRENCY, metadata={"example": "USD"})
    amount_minor = fields.Integer(required=True, strict=True, validate=AMOUNT, metadata={"example": 500})


class OfflineRedemptionArgsSchema(PlainSchema):
    records = fields.List(
        fields.Nested(OfflineRecordSchema()), required=True, validate=validate.Length(min=1, max=MOST_RECORDS)
    )


class OfflineRedemptionSchema(Schema):
    """`paid` is what the merchant is owed for it: by the voucher (`redeemed`) and by the brand (`lost`). `code` tells
    why it is a conflict, `borne_by` who bears what the voucher did not give; `cause` what was wrong with a voucher
    where the allowance was used up besides."""

    id = fields.UUID()
    till_reference = fields.String()
    state = fields.String(validate=validate.OneOf(["succeeded", "conflict", "reversed"]))
    amount = fields.Nested(BalanceMoneySchema())
    redeemed = fields.Nested(BalanceMoneySchema())
    lost = fields.Nested(BalanceMoneySchema())
    paid = fields.Nested(BalanceMoneySchema())
    code = fields.String(allow_none=True)
    cause = fields.String(allow_none=True)
    borne_by = fields.String(allow_none=True, validate=validate.OneOf(["brand", "merchant"]))
    voucher_id = fields.UUID(allow_none=True)
    redemption_id = fields.UUID(allow_none=True)
    accepted_at = Instant()
    synced_at = Instant()
    reversed_at = Instant(allow_none=True)


class StaffOfflineRedemptionSchema(Schema):
    """What a terminal has synced: as tills see it, with whose it was and what the voucher came from."""

    id = fields.UUID()
    merchant_id = fields.UUID()
    store_id = fields.UUID()
    terminal_id = fields.UUID()
    till_reference = fields.String()
    customer_id = fields.UUID(allow_none=True)
    voucher_id = fields.UUID(allow_none=True)
    status = fields.String(validate=validate.OneOf(["succeeded", "conflict", "reversed"]))
    amount = fields.Nested(BalanceMoneySchema())
    redeemed = fields.Nested(BalanceMoneySchema())
    lost = fields.Nested(BalanceMoneySchema())
    code = fields.String(allow_none=True)
    cause = fields.String(allow_none=True)
    borne_by = fields.String(allow_none=True, validate=validate.OneOf(["brand", "merchant"]))
    accepted_at = Instant()
    synced_at = Instant()


class StaffOfflinePageArgs(PageArgs):
    borne_by = fields.String(load_default=None, validate=validate.OneOf(["brand", "merchant"]))
    terminal_id = fields.UUID(load_default=None)
    customer_id = fields.UUID(load_default=None)


class OfflineResultSchema(Schema):
    """`redemption` is what a record came to. Where it is null the record is not kept: with `retryable` send it again,
    else look at `code`."""

    till_reference = fields.String()
    replayed = fields.Boolean()
    redemption = fields.Nested(OfflineRedemptionSchema(), allow_none=True)
    code = fields.String(allow_none=True)
    retryable = fields.Boolean()


class OfflineResultsSchema(Schema):
    """In the order of the records."""

    results = fields.List(fields.Nested(OfflineResultSchema()))


class TerminalAllowanceArgsSchema(Schema):
    """Nothing of it may be left out: zero takes the allowance away."""

    currency = fields.String(required=True, validate=CURRENCY, metadata={"example": "USD"})
    most_minor = fields.Integer(required=True, strict=True, validate=AMOUNT_OR_NOTHING, metadata={"example": 20000})
    most_count = fields.Integer(
        required=True, strict=True, validate=validate.Range(min=0, max=100_000), metadata={"example": 40}
    )


class TerminalAllowanceSchema(OfflineAllowanceSchema):
    terminal_id = fields.UUID()
    set_at = Instant()
