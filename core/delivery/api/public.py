"""Where providers call back. No guard but each provider's signature."""

from functools import partial
from uuid import UUID

from flask import Response, request
from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from core.delivery import receipts
from core.delivery.api import twilio
from core.delivery.receipts import Receipt
from core.insisting import insist

blueprint = Blueprint("hooks", __name__, description="Call-backs of the providers that carry messages")


@blueprint.post("/hooks/twilio/<uuid:message_id>")
@blueprint.response(204)
@blueprint.alt_response(403, description="The signature does not fit")
def take_twilio_receipt(message_id: UUID) -> Response:
    """Twilio tells what became of a message (form fields, signed with X-Twilio-Signature)."""
    twilio.check_signature()
    form = request.form
    receipt = receipts.of_twilio(
        sid=form.get("MessageSid", ""), status=form.get("MessageStatus", ""), error_code=form.get("ErrorCode", "")
    )

    if receipt is not None:
        # Twilio does not tell it again.
        insist(partial(_take, message_id, receipt))
    return Response(status=204)


def _take(message_id: UUID, receipt: Receipt) -> None:
    with transaction() as session:
        receipts.take(session, message_id=message_id, receipt=receipt, now=clock.now())
