"""Tokens: for what shows that a client may have them. OAuth 2 says how bodies and errors look, so flask-smorest only
documents these routes."""

from flask import Response
from flask_smorest import Blueprint

from auth.oauth import revoking
from auth.oauth.api import cross_origin, docs, wire
from auth.oauth.api.requests import Given
from auth.oauth.api.server import server
from core import clock
from core.db import transaction

blueprint = Blueprint("sign_in", __name__, description="Getting tokens, refreshing, signing out")
wire.speak_oauth(blueprint)
blueprint.after_request(cross_origin.open_to_clients)
blueprint.app_errorhandler(405)(wire.refuse_the_method)


@blueprint.post("/oauth/token")
@blueprint.doc(**docs.TOKEN)
def token() -> Response:
    """Get an access token for an authorization code, or the next one for a refresh token."""
    given = wire.form()
    wire.required(given, "grant_type")
    answer: Response = server.create_token_response(Given(given))
    return answer


@blueprint.post("/oauth/revoke")
@blueprint.doc(**docs.REVOKE)
def revoke() -> Response:
    """Sign out on this device: its refresh tokens end at once, its access tokens within a second."""
    given = wire.form()
    client, presented = wire.client(given), wire.required(given, "token")
    with transaction() as session:
        revoking.revoke(session, client, presented, now=clock.now())
    return wire.answer({})
