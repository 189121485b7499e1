"""Where Twilio brings what customers write. No guard but its signature."""

from flask import Response, current_app, request
from flask_smorest import Blueprint
from markupsafe import Markup

from core import clock
from core.db import transaction
from core.delivery.api.twilio import check_signature
from core.errors import Malformed
from core.insisting import insist
from engage.consents import preferences
from engage.incoming import taking
from engage.incoming.taking import Incoming, Taken

blueprint = Blueprint("engage_incoming", __name__, description="What customers write to us by SMS and WhatsApp")

_WHATSAPP = "whatsapp:"
_LONGEST_NAME = 64


@blueprint.post("/hooks/twilio/incoming")
@blueprint.response(200, {"type": "string"}, content_type="text/xml")
@blueprint.alt_response(403, description="The signature does not fit")
def take_twilio_message() -> Response:
    """Twilio brings a message that a customer wrote (form fields, signed with X-Twilio-Signature)."""
    check_signature()
    form = request.form
    sender, name = form.get("From", ""), form.get("MessageSid", "")
    if not sender or not 0 < len(name) <= _LONGEST_NAME:
        raise Malformed("From and MessageSid are needed")
    channel = "whatsapp" if sender.startswith(_WHATSAPP) else "sms"
    incoming = Incoming(
        provider="twilio",
        provider_message_id=name,
        channel=channel,
        sender=sender.removeprefix(_WHATSAPP),
        body=form.get("Body", ""),
        opt_out_type=form.get("OptOutType", ""),
    )

    # Twilio does not bring a message twice, and a STOP must not be lost.
    taken = insist(lambda: _take(incoming))
    return _answer(_reply(taken, channel, is_answered=bool(incoming.opt_out_type)))


def _take(incoming: Incoming) -> Taken:
    with transaction() as session:
        return taking.take(session, incoming, now=clock.now())


def _reply(taken: Taken, channel: str, *, is_answered: bool) -> str | None:
    """What to write back at once. By SMS the carrier's side answers STOP, START and HELP itself; on WhatsApp nobody
    does."""
    if not taken.is_news or channel != "whatsapp" or is_answered:
        return None
    brand = current_app.extensions["settings"].brand_name
    if taken.intent == "stop":
        return f"You will get no more offers from {brand} here. Reply START to get them again."
    if taken.intent == "start":
        return f"You are no longer blocked for {brand} here. Reply STOP to get no offers."
    if taken.intent == "help":
        more = f" All preferences: {preferences.url(taken.customer_id)}" if taken.customer_id else ""
        return f"{brand}: reply STOP to get no offers here.{more}"
    return None


def _answer(reply: str | None) -> Response:
    """TwiML: an empty answer sends nothing."""
    inner = Markup("<Message>{}</Message>").format(reply) if reply else Markup()
    body = Markup('<?xml version="1.0" encoding="UTF-8"?><Response>{}</Response>').format(inner)
    response = Response(body, content_type="text/xml; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    return response
