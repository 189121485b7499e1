"""What others may know of us: our keys, and where everything is."""

from flask import Response
from flask_smorest import Blueprint

from auth import tokens
from auth.oauth import metadata
from auth.oauth.api import cross_origin, docs, wire

blueprint = Blueprint("oauth_metadata", __name__, description="Keys and places")
blueprint.after_request(cross_origin.open_to_anybody)


@blueprint.get("/.well-known/jwks.json")
@blueprint.doc(**docs.KEYS)
def keys() -> Response:
    """The keys that our access tokens verify against."""
    response = wire.answer(tokens.key_set())
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


@blueprint.get("/.well-known/oauth-authorization-server")
@blueprint.doc(**docs.METADATA)
def oauth_metadata() -> Response:
    """Where everything is (RFC 8414)."""
    return _document()


@blueprint.get("/.well-known/openid-configuration")
@blueprint.doc(**docs.METADATA)
def openid_configuration() -> Response:
    """Where everything is (OpenID Connect Discovery)."""
    return _document()


def _document() -> Response:
    response = wire.answer(metadata.document(tokens.issuer()))
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response
