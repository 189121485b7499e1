"""What others may know of us: our keys, and where everything is."""

from flask import Response
from flask_smorest import Blueprint

from auth import tokens
from auth.oauth.api import docs, wire

blueprint = Blueprint("oauth_metadata", __name__, description="Keys and places")


@blueprint.get("/.well-known/jwks.json")
@blueprint.doc(**docs.KEYS)
def keys() -> Response:
    """The keys that our access tokens verify against."""
    response = wire.answer(tokens.key_set())
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


@blueprint.get("/.well-known/oauth-authorization-server")
@blueprint.doc(**docs.METADATA)
def metadata() -> Response:
    """Where everything is (RFC 8414)."""
    issuer = tokens.issuer()
    response = wire.answer(
        {
            "issuer": issuer,
            "authorization_challenge_endpoint": f"{issuer}/oauth/authorize-challenge",
            "token_endpoint": f"{issuer}/oauth/token",
            "revocation_endpoint": f"{issuer}/oauth/revoke",
            "jwks_uri": f"{issuer}/.well-known/jwks.json",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "revocation_endpoint_auth_methods_supported": ["none"],
        }
    )
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response
