"""Where the identity provider calls back. No guard but its signature."""

from datetime import UTC, datetime

from flask import Response, current_app, request
from flask_smorest import Blueprint

from core import clock
from core.delivery.api.twilio import BadSignature
from core.gateways.identity import IdentityGateway
from core.gateways.signatures import Forged
from wallet.identity import checks

blueprint = Blueprint("identity_hooks", __name__, description="Call-backs of the identity provider")


@blueprint.post("/hooks/identity")
@blueprint.response(204)
@blueprint.alt_response(403, description="The signature does not fit, or is too old")
def take_identity_verdict() -> Response:
    """The identity provider tells how a check stands (its own JSON, signed with a time over the raw body)."""
    gateway: IdentityGateway = current_app.extensions["gateways"].identity
    try:
        # The provider signs by the real clock, also while a demo simulates ours.
        notice = gateway.notice(request.get_data(), dict(request.headers), at=datetime.now(UTC))
    except Forged as error:
        raise BadSignature from error

    if notice is not None:
        checks.take(notice, gateway=gateway, now=clock.now())
    return Response(status=204)
