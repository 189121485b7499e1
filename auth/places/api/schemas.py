"""Shapes of places at the staff's door."""

from marshmallow import Schema, fields, validate

from auth.statuses import ACTIVE, REVOKED, SUSPENDED
from core.web.schemas import Instant, PageArgs

_NAME = validate.Length(min=1, max=120)
_REFERENCE = validate.Length(min=1, max=60)
_ZONE = validate.Length(min=1, max=60)


class NameSchema(Schema):
    name = fields.String(required=True, validate=_NAME, metadata={"example": "High Street"})


class RenameSchema(Schema):
    name = fields.String(validate=_NAME, metadata={"example": "High Street"})


class MerchantArgsSchema(NameSchema):
    organisation_id = fields.UUID(load_default=None, allow_none=True)


class MerchantChangeSchema(RenameSchema):
    organisation_id = fields.UUID(allow_none=True)


class StoreArgsSchema(NameSchema):
    reference = fields.String(
        load_default=None, allow_none=True, validate=_REFERENCE, metadata={"description": "The merchant's own number"}
    )
    time_zone = fields.String(load_default=None, allow_none=True, validate=_ZONE, metadata={"example": "Europe/London"})


class StoreChangeSchema(RenameSchema):
    reference = fields.String(allow_none=True, validate=_REFERENCE)
    time_zone = fields.String(allow_none=True, validate=_ZONE, metadata={"example": "Europe/London"})


class TerminalArgsSchema(NameSchema):
    public_key = fields.String(
        required=True,
        validate=validate.Length(min=1, max=1_000),
        metadata={"description": "PEM: Ed25519 or ECDSA P-256. A till that can ask for a code enrols itself instead."},
    )


class PlaceStatusSchema(Schema):
    status = fields.String(required=True, validate=validate.OneOf([ACTIVE, SUSPENDED]), metadata={"example": SUSPENDED})


class TerminalStatusSchema(Schema):
    status = fields.String(
        required=True,
        validate=validate.OneOf([ACTIVE, SUSPENDED, REVOKED]),
        metadata={"description": "`revoked` holds for ever.", "example": SUSPENDED},
    )


class PlaceSchema(Schema):
    id = fields.UUID()
    name = fields.String()
    status = fields.String()
    created_at = Instant()


class OrganisationSchema(PlaceSchema):
    pass


class MerchantSchema(PlaceSchema):
    organisation_id = fields.UUID(allow_none=True)


class StoreSchema(PlaceSchema):
    merchant_id = fields.UUID()
    reference = fields.String(allow_none=True)
    time_zone = fields.String(allow_none=True)


class TerminalSchema(PlaceSchema):
    store_id = fields.UUID()
    enrolled_by = fields.String(allow_none=True, metadata={"description": "Who let it in that showed its code."})
    seen_on = fields.Date(allow_none=True, metadata={"description": "The last day on which it asked for a token."})


class MerchantPageArgs(PageArgs):
    organisation_id = fields.UUID(load_default=None)


class TerminalPageArgs(PageArgs):
    merchant_id = fields.UUID(load_default=None)
    store_id = fields.UUID(load_default=None)
    status = fields.String(load_default=None, validate=validate.OneOf([ACTIVE, SUSPENDED, REVOKED]))


class WhoseStatusSchema(Schema):
    id = fields.String()
    status = fields.String()
