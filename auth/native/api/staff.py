"""Customers who lost their number."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import current_app
from flask_smorest import Blueprint

from auth import phones
from auth.models import Approval
from auth.native import recovery
from auth.native.api.schemas import AskedNumberChangeArgsSchema, AskedNumberChangeSchema, NumberDecisionSchema
from auth.native.models import NumberChange
from core import clock
from core.db import transaction
from core.errors import InvalidInput
from core.web import principals
from core.web.doors import needs

blueprint = Blueprint("customer_recovery", __name__, description="Customers who lost their number")


@blueprint.post("/customers/<uuid:customer_id>/number-changes")
@blueprint.arguments(AskedNumberChangeArgsSchema())
@blueprint.response(201, AskedNumberChangeSchema())
@needs("customers.recover")
def ask_number_change(args: dict[str, str], customer_id: UUID) -> dict[str, Any]:
    """Ask for another number for a customer who lost theirs; a second person decides, typing the number again."""
    phone, actor = phones.normalised(args["phone"]), principals.current().name
    with transaction() as session:
        asked = recovery.ask(session, customer_id, phone=phone, note=args["note"], asked_by=actor, now=clock.now())
        return _told(asked, None)


@blueprint.put("/customers/<uuid:customer_id>/number-changes/<uuid:approval_id>/decision")
@blueprint.arguments(NumberDecisionSchema())
@blueprint.response(200, AskedNumberChangeSchema())
@needs("customers.recover")
def decide_number_change(args: dict[str, Any], customer_id: UUID, approval_id: UUID) -> dict[str, Any]:
    """Agree to another person's request, or refuse it. What is agreed takes effect after RECOVERY_WAIT_HOURS, and the
    customer is told everywhere and may cancel it."""
    phone = args.pop("phone")
    if args["approve"] and phone is None:
        raise InvalidInput(errors=[{"pointer": "/phone", "detail": "To approve, type the number again."}])
    with transaction() as session:
        decided, change = recovery.decide(
            session,
            customer_id,
            approval_id,
            **args,
            phone=phones.normalised(phone) if phone is not None else None,
            decided_by=principals.current().name,
            wait=timedelta(hours=current_app.extensions["settings"].recovery_wait_hours),
            now=clock.now(),
        )
        return _told(decided, change)


def _told(approval: Approval, change: NumberChange | None) -> dict[str, Any]:
    return {
        "id": approval.id,
        "customer_id": approval.customer_id,
        "status": approval.status,
        "asked_by": approval.asked_by,
        "asked_at": approval.asked_at,
        "expires_at": approval.expires_at,
        "decided_by": approval.decided_by,
        "decided_at": approval.decided_at,
        "takes_effect_at": change.takes_effect_at if change else None,
    }
