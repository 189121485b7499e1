"""Where the payment provider tells what became of charges. No guard but its signature over the raw body."""

from typing import Any

from flask import current_app, request
from flask_smorest import Blueprint

from core import clock
from core.gateways.signatures import Forged
from wallet.topups import notices
from wallet.topups.api.schemas import NoticeTakenSchema
from wallet.topups.errors import NoticeForged

blueprint = Blueprint("topups_public", __name__, description="Call-backs of the payment provider")


@blueprint.post("/hooks/stripe")
@blueprint.response(200, NoticeTakenSchema())
@blueprint.alt_response(400, description="The signature does not fit, or is older than five minutes")
def take_payment_notice() -> dict[str, Any]:
    """Stripe tells what became of a charge (signed with Stripe-Signature). What we do not know is taken and ignored."""
    gateway, now = current_app.extensions["gateways"].payments, clock.now()
    try:
        notice = gateway.notice(request.get_data(cache=True), request.headers, at=now)
    except Forged as error:
        raise NoticeForged from error
    notices.take(notice, provider=gateway.name, now=now)
    return {"received": True}
