"""Changing the phone number."""

from typing import Any

from flask import current_app, request
from flask_smorest import Blueprint

from auth import phones
from auth.dpop import binding
from auth.native import new_numbers, numbers
from auth.native.api.schemas import NewPhoneSchema, NumberChangeSchema, PhoneAskedSchema, PhoneProofSchema
from auth.native.models import NumberChange
from auth.native.otp import CODE_TTL
from auth.proofs import ONE_FACTOR
from auth.step_up import demands
from core import clock
from core.db import transaction
from core.errors import Refusal
from core.web import principals

blueprint = Blueprint("numbers", __name__, description="Changing the phone number")


@blueprint.put("/me/phone")
@blueprint.arguments(NewPhoneSchema())
@blueprint.response(202, PhoneAskedSchema())
def put_phone(args: dict[str, str]) -> dict[str, Any]:
    """Say which phone number is to be yours: a code is sent there. Needs a sign-in of the last five minutes."""
    now, principal = clock.now(), principals.current()
    binding.demand(principal, now)
    phone = phones.normalised(args["phone"])
    with transaction() as session:
        demands.demand(session, principal, at_least=ONE_FACTOR, now=now)
        outcome = new_numbers.send_code(
            session,
            principal.id,
            phone=phone,
            channel=args["channel"],
            address=request.remote_addr or "",
            settings=current_app.extensions["settings"],
            now=now,
        )
    if isinstance(outcome, Refusal):
        raise outcome  # only now: what was counted has to be committed
    return {"handle": outcome.handle, "channel": outcome.channel, "expires_at": now + CODE_TTL}


@blueprint.post("/me/phone/proof")
@blueprint.arguments(PhoneProofSchema())
@blueprint.response(200, NumberChangeSchema())
def prove_phone(args: dict[str, str]) -> dict[str, Any]:
    """Send the code: the number is yours at once where you signed in by a passkey just now, and a day later otherwise.
    Every other session ends then."""
    now, principal = clock.now(), principals.current()
    binding.demand(principal, now)
    with transaction() as session:
        demands.demand(session, principal, at_least=ONE_FACTOR, now=now)
        outcome = new_numbers.prove(
            session,
            principal.id,
            handle=args["handle"],
            code=args["otp"],
            acr=principal.acr,
            session_id=principal.session_id,
            address=request.remote_addr or "",
            settings=current_app.extensions["settings"],
            now=now,
        )
    if isinstance(outcome, Refusal):
        raise outcome
    return _told(outcome)


@blueprint.get("/me/phone/change")
@blueprint.response(200, NumberChangeSchema())
def show_change() -> dict[str, Any]:
    """The change of the number that is under way, if one is."""
    with transaction() as session:
        return _told(numbers.current(session, principals.current().id))


@blueprint.put("/me/phone/change/cancellation")
@blueprint.response(200, NumberChangeSchema())
def cancel_change() -> dict[str, Any]:
    """Keep the number that you have. Any device that is signed in may say so."""
    with transaction() as session:
        return _told(numbers.cancel(session, principals.current().id, now=clock.now()))


def _told(change: NumberChange) -> dict[str, Any]:
    return {
        "id": change.id,
        "status": change.ended or "waiting",
        "how": change.how,
        "asked_at": change.asked_at,
        "takes_effect_at": change.takes_effect_at,
    }
