"""What staff send and see of clients."""

from typing import Any

from marshmallow import Schema, fields, validate

from auth.oauth import clients, metadata, scopes
from core.web.schemas import Instant

_ID = validate.Regexp(r"[a-z0-9][a-z0-9.-]{2,63}\Z", error="Must be 3 to 64 of a-z, 0-9, full stop and hyphen.")
_NAME = validate.Length(min=1, max=100)
_URIS: Any = {"validate": validate.Length(max=20)}


def _uris(**options: Any) -> Any:
    return fields.List(fields.String(validate=validate.Length(min=1, max=2_000)), **_URIS, **options)


def _words(known: tuple[str, ...]) -> Any:
    return fields.List(fields.String(validate=validate.OneOf(known)), validate=validate.Length(min=1, max=20))


class ClientChangesSchema(Schema):
    """What can be changed of a client; what is left out stays."""

    name = fields.String(validate=_NAME, metadata={"example": "Corner Books"})
    key_set = fields.Dict(keys=fields.String(), metadata={"description": "With private_key_jwt: its JWK set"})
    redirect_uris = _uris(metadata={"example": ["https://books.example/callback"]})
    logout_uris = _uris(metadata={"description": "Where a sign-out may lead back to"})
    back_channel_uri = fields.String(
        allow_none=True, metadata={"description": "Is told of sign-outs (OpenID Connect Back-Channel Logout)"}
    )
    grant_types = _words(metadata.GRANT_TYPES)
    scopes = _words(scopes.ALL)
    needs_par = fields.Boolean(metadata={"description": "Takes only requests that were pushed (RFC 9126)"})
    dpop = fields.String(
        validate=validate.OneOf(("no", "offered", "required", "always")),
        metadata={"description": "How far it has to prove a key: at refreshes when offered, each time with always"},
    )
    id_token_alg = fields.String(validate=validate.OneOf(("ES256", "RS256")))


class NewClientSchema(ClientChangesSchema):
    client_id = fields.String(validate=_ID, metadata={"description": "Made up when not given"})
    name = fields.String(required=True, validate=_NAME, metadata={"example": "Corner Books"})
    kind = fields.String(
        required=True,
        validate=validate.OneOf((clients.APP, clients.PARTNER, clients.STAFF)),
        metadata={"example": "partner"},
    )
    auth_method = fields.String(
        validate=validate.OneOf((clients.NO_SECRET, clients.BASIC, clients.POST, clients.PRIVATE_KEY)),
        metadata={"description": "none for what runs on people's devices", "example": "client_secret_basic"},
    )
    sector = fields.String(
        validate=validate.Length(min=1, max=200),
        metadata={"description": "What customers' names for it are made of; its redirect URIs' host when left out"},
    )
    sso_group = fields.String(validate=_ID, metadata={"description": "The brand's apps of one group share a sign-in"})


class ClientSchema(Schema):
    client_id = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)
    audience = fields.String(required=True)
    auth_method = fields.String(required=True)
    key_set = fields.Dict(allow_none=True)
    redirect_uris = fields.List(fields.String(), required=True)
    logout_uris = fields.List(fields.String(), required=True)
    back_channel_uri = fields.String(allow_none=True)
    grant_types = fields.List(fields.String(), required=True)
    scopes = fields.List(fields.String(), required=True)
    sector = fields.String(allow_none=True)
    sso_group = fields.String(allow_none=True)
    needs_par = fields.Boolean(required=True)
    dpop = fields.String(required=True)
    id_token_alg = fields.String(required=True)
    status = fields.String(required=True)
    made_by = fields.String(allow_none=True)
    made_at = Instant(allow_none=True)
    former_until = Instant(allow_none=True, metadata={"description": "Until then the former secret works, too"})


class MadeClientSchema(ClientSchema):
    client_secret = fields.String(metadata={"description": "Told only now"})


class ClientStatusSchema(Schema):
    status = fields.String(required=True, validate=validate.OneOf(("active", "suspended")))
