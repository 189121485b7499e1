"""Where Apple calls back. No guard but its signature."""

from flask import Response, request
from flask_smorest import Blueprint

from auth.federated import notices
from core import clock
from core.delivery.api.twilio import BadSignature
from core.gateways.signatures import Forged

blueprint = Blueprint("apple_hooks", __name__, description="Call-backs of Apple")


@blueprint.post("/hooks/apple")
@blueprint.response(204)
@blueprint.alt_response(403, description="Apple did not sign this, or not for us")
def take_apple_notice() -> Response:
    """Apple tells that somebody has ended the link there, or closed their account (its own JSON, signed)."""
    try:
        notices.take(request.get_data(), now=clock.now())
    except Forged as error:
        raise BadSignature from error
    return Response(status=204)
