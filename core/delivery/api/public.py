"""Where providers call back. No guard but each provider's signature."""

from uuid import UUID

from flask import Response, current_app, request
from flask_smorest import Blueprint
from twilio.request_validator import RequestValidator

from core import clock
from core.db import transaction
from core.delivery import receipts
from core.errors import Forbidden
from core.settings import Settings

blueprint = Blueprint("hooks", __name__, description="Call-backs of the providers that carry messages")


class BadSignature(Forbidden):
    code = "bad_signature"
    title = "The signature does not fit the request"


@blueprint.post("/hooks/twilio/<uuid:message_id>")
@blueprint.response(204)
@blueprint.alt_response(403, description="The signature does not fit")
def take_twilio_receipt(message_id: UUID) -> Response:
    """Twilio tells what became of a message (form fields, signed with X-Twilio-Signature)."""
    _check_twilio_signature(current_app.extensions["settings"])
    form = request.form
    receipt = receipts.of_twilio(
        sid=form.get("MessageSid", ""), status=form.get("MessageStatus", ""), error_code=form.get("ErrorCode", "")
    )

    if receipt is not None:
        with transaction() as session:
            receipts.take(session, message_id=message_id, receipt=receipt, now=clock.now())
    return Response(status=204)


def _check_twilio_signature(settings: Settings) -> None:
    # Twilio signed the address that we gave it; the one in the request may be a proxy's (http instead of https).
    address = settings.public_url.rstrip("/") + request.full_path.rstrip("?")
    given = request.headers.get("X-Twilio-Signature", "")
    is_ours = settings.twilio_auth_token and RequestValidator(settings.twilio_auth_token).validate(
        address, request.form, given
    )
    if not is_ours:
        raise BadSignature
