"""The guard of every address that Twilio calls."""

from flask import current_app, request

from core.errors import Forbidden
from core.gateways import twilio_signatures


class BadSignature(Forbidden):
    code = "bad_signature"
    title = "The signature does not fit the request"


def check_signature() -> None:
    """Let pass what Twilio signed with a token of one of our accounts (form fields, header X-Twilio-Signature).

    raises  BadSignature
    """
    settings = current_app.extensions["settings"]
    # Twilio signed the address that we gave it; the one in the request may be a proxy's (http instead of https).
    address = settings.public_url.rstrip("/") + request.full_path.rstrip("?")
    given = request.headers.get("X-Twilio-Signature", "")
    if not twilio_signatures.is_signed(settings, address=address, fields=request.form, signature=given):
        raise BadSignature
