"""What a token is worth."""

from flask import Response
from flask_smorest import Blueprint

from auth.oauth import introspecting
from auth.oauth.api import docs, wire
from auth.oauth.errors import invalid_client
from core import clock
from core.db import transaction

blueprint = Blueprint("introspection", __name__, description="What a token is worth")
wire.speak_oauth(blueprint)


@blueprint.post("/oauth/introspect")
@blueprint.doc(**docs.INTROSPECT)
def introspect() -> Response:
    """Ask what one of your tokens is worth (RFC 7662); for clients with a secret or a key."""
    given = wire.form()
    client = wire.client(given)
    if not client.is_confidential:
        raise invalid_client("Only a client with a secret or a key may ask")
    token = wire.required(given, "token")
    with transaction() as session:
        return wire.answer(introspecting.look(session, client, token, now=clock.now()))
