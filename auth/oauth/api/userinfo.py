"""What a token tells of its owner."""

from flask import Response, request
from flask_smorest import Blueprint

from auth import tokens
from auth.errors import OAuthRefusal
from auth.oauth import clients, scopes, userinfo
from auth.oauth.api import cross_origin, docs, proving, wire
from core import clock
from core.db import transaction
from core.errors import Unauthenticated

blueprint = Blueprint("userinfo", __name__, description="What a token tells of its owner")
wire.speak_oauth(blueprint)
blueprint.after_request(cross_origin.open_to_clients)


_OVER = OAuthRefusal("invalid_token", "The access token is not valid (any more)", status=401)


@blueprint.route("/oauth/userinfo", methods=["GET", "POST"])
@blueprint.doc(**docs.USERINFO)
def tell() -> Response:
    """Who the customer of an access token is, as far as its scopes go; the token stands in the header alone."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    scheme, token, now = scheme.lower(), token.strip(), clock.now()
    claims = tokens.read(token, now=now) if scheme in ("bearer", "dpop") else None
    if claims is None:
        return _refused(_OVER)
    try:
        proving.check(claims, token, scheme=scheme, now=now)
    except Unauthenticated as error:
        return _refused(_OVER, challenge=error.challenge)
    client = clients.find(claims["client_id"])
    scope = scopes.left(client, claims.get("scope", "")) if client is not None else ""
    if "fam" not in claims or not scopes.has(scope, scopes.OPENID):
        return _refused(OAuthRefusal("insufficient_scope", "The access token lacks openid", status=403))
    with transaction() as session:
        told = userinfo.of(session, claims, scope)
    return wire.answer(told) if told is not None else _refused(_OVER)


def _refused(refusal: OAuthRefusal, *, challenge: str | None = None) -> Response:
    response = wire.refused(refusal)
    if challenge is None:
        challenge = f'Bearer error="{refusal.error}", error_description="{refusal.description}"'
        challenge += f', scope="{scopes.OPENID}"' if refusal.status == 403 else ""
    if not request.headers.get("Authorization"):
        challenge = 'Bearer realm="pocketful"'  # RFC 6750 section 3.1: who sent nothing is told of no error
    response.headers["WWW-Authenticate"] = challenge
    return response
