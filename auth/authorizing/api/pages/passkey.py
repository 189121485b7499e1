"""Signing in with a passkey: the browser's own dialogue, whose answer is sent as any form is."""

import json
from uuid import UUID

from flask import Response, request
from sqlalchemy.orm import Session

from auth import customers
from auth.authorizing.api import browsers
from auth.authorizing.api.pages import number
from auth.authorizing.api.pages.routes import At, at_customers, blueprint
from auth.passkeys import asserting, ceremonies
from auth.proofs import PHISHING_RESISTANT, Proved
from core import clock
from core.db import transaction

_REFUSED = "That passkey does not work here. Try again, or use your phone number."


@blueprint.post("/sign-in/passkey")
@blueprint.response(303, description="On to where the browser came from")
@blueprint.alt_response(400, description="The passkey does not work here: the page says so")
@blueprint.alt_response(410, description="The sign-in is over, or another browser's")
def sign_in_with_passkey() -> Response:
    """Sign in with the passkey that the browser's dialogue gave."""
    now = clock.now()
    with transaction() as session:
        here = at_customers(session, now=now, lock=True)
        asserted = _asserted(session, here)
        customer_id = asserted.owner.customer_id if asserted else None
        if asserted is None or customer_id is None or not customers.is_active(session, customer_id):
            return number.page(session, here, trouble=_REFUSED)
        proved = Proved(owner=asserted.owner, auth_time=now, acr=PHISHING_RESISTANT, amr=asserted.amr)
        return browsers.see_other(browsers.sign_in(session, proved, request_handle=here.handle, now=now))


def _asserted(session: Session, here: At) -> asserting.Asserted | None:
    now, noted = clock.now(), here.stored.progress.get("ceremony")
    challenge = ceremonies.take(session, UUID(noted), purpose=ceremonies.WEB, now=now) if noted else None
    given = request.form.get("credential", "")
    if challenge is None or len(given) > asserting.MOST_CHARACTERS:
        return None
    try:
        credential = json.loads(given)
    except (ValueError, RecursionError):
        return None
    return asserting.check(session, credential, challenge=challenge, owner=None, now=now)
