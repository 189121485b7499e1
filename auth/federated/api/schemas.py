"""Shapes of identities at Apple and Google."""

from marshmallow import Schema, fields, validate

from auth.federated.models import PROVIDERS
from core.web.schemas import Instant


class ProviderNonceSchema(Schema):
    handle = fields.String(required=True, metadata={"description": "Send it with the provider's answer."})
    nonce = fields.String(
        required=True,
        metadata={"description": "Give it to the provider's SDK: as it is, or its SHA-256 in hexadecimal."},
    )
    expires_in = fields.Integer(required=True, metadata={"description": "In seconds."})


class ProviderIdentityArgsSchema(Schema):
    provider = fields.String(required=True, validate=validate.OneOf(PROVIDERS))
    handle = fields.String(required=True, validate=validate.Length(min=1, max=100))
    id_token = fields.String(required=True, validate=validate.Length(min=1, max=8_192))
    provider_code = fields.String(
        validate=validate.Length(min=1, max=1_000),
        metadata={"description": "Apple's authorizationCode: with it Apple is told when the link ends."},
    )


class ProviderIdentitySchema(Schema):
    id = fields.UUID(required=True)
    provider = fields.String(required=True, validate=validate.OneOf(PROVIDERS))
    email = fields.String(required=True, allow_none=True, metadata={"description": "As the provider told it then."})
    linked_at = Instant(required=True)
    used_at = Instant(required=True)
