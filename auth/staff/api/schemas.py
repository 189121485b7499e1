"""Shapes of the brand's staff."""

from marshmallow import Schema, fields, validate

from auth.models import ACTIVE, SUSPENDED
from auth.staff.persons import LEFT, STATUSES
from core.web.schemas import Instant, PageArgs

_ROLES = fields.List(
    fields.String(validate=validate.Length(max=40)),
    required=True,
    validate=validate.Length(max=20),
    metadata={"example": ["support"]},
)


class PersonSchema(Schema):
    id = fields.UUID()
    email = fields.String(metadata={"example": "ada@example.com"})
    name = fields.String(metadata={"example": "Ada Lovelace"})
    roles = fields.List(fields.String())
    permissions = fields.List(fields.String(), metadata={"description": "What was given beside the roles."})
    status = fields.String(validate=validate.OneOf(STATUSES))
    created_at = Instant()
    joined_at = Instant(allow_none=True)


class NewPersonSchema(Schema):
    email = fields.String(
        required=True, validate=validate.Length(min=3, max=254), metadata={"example": "ada@example.com"}
    )
    name = fields.String(required=True, validate=validate.Length(min=1, max=200), metadata={"example": "Ada Lovelace"})
    roles = _ROLES


class PersonRolesSchema(Schema):
    roles = _ROLES


class PersonStatusSchema(Schema):
    status = fields.String(required=True, validate=validate.OneOf([ACTIVE, SUSPENDED, LEFT]))


class PersonArgsSchema(PageArgs):
    status = fields.String(load_default=None, validate=validate.OneOf(STATUSES))
    role = fields.String(load_default=None, validate=validate.Length(max=40))


class InvitationSchema(Schema):
    expires_at = Instant(metadata={"description": "Until when the mailed link works."})


class RoleSchema(Schema):
    name = fields.String(metadata={"example": "support"})
    permissions = fields.List(fields.String())


class RolesSchema(Schema):
    items = fields.List(fields.Nested(RoleSchema()))
    next_cursor = fields.String(allow_none=True)


class StaffMeSchema(PersonSchema):
    permissions = fields.List(fields.String(), metadata={"description": "All that I may do."})
    has_authenticator = fields.Boolean()
    recovery_codes_left = fields.Integer()


class StaffPasskeySchema(Schema):
    id = fields.UUID()
    name = fields.String(allow_none=True)
    is_backed_up = fields.Boolean()
    made_at = Instant()
    used_at = Instant(allow_none=True)


class StaffPasskeyOptionsSchema(Schema):
    ceremony_id = fields.UUID()
    passkey = fields.Dict(metadata={"description": "For navigator.credentials.create, as `publicKey`."})


class NewStaffPasskeySchema(Schema):
    ceremony_id = fields.UUID(required=True)
    credential = fields.Dict(required=True, metadata={"description": "As PublicKeyCredential.toJSON() gives it."})
    name = fields.String(load_default=None, allow_none=True, validate=validate.Length(min=1, max=100))


class RecoveryCodesSchema(Schema):
    codes = fields.List(fields.String(), metadata={"description": "Shown now and never again."})
