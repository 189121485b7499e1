"""Enrolling tills."""

from typing import Any

from flask import request
from flask_smorest import Blueprint
from marshmallow import fields, validate

from auth.device_grants import deciding
from auth.device_grants.deciding import Wrong
from auth.device_grants.errors import UserCodesLimited, UserCodeUnknown
from auth.models import Terminal
from auth.places.api.schemas import NameSchema, TerminalSchema
from core import clock
from core.db import transaction
from core.web import principals
from core.web.doors import needs

blueprint = Blueprint("enrolments", __name__, description="Enrolling tills")


class EnrolmentArgsSchema(NameSchema):
    user_code = fields.String(
        required=True,
        validate=validate.Length(min=1, max=20),
        metadata={"description": "What the till shows.", "example": "WDJB-MJHT"},
    )
    store_id = fields.UUID(required=True)


@blueprint.post("/terminals/enrolments")
@blueprint.arguments(EnrolmentArgsSchema())
@blueprint.response(201, TerminalSchema())
@blueprint.alt_response(422, description="`user_code_unknown`, `no_till`")
@blueprint.alt_response(429, description="`user_codes_limited`: too many wrong codes")
@needs("terminals.enrol")
def enrol_terminal(args: dict[str, Any]) -> Terminal:
    """Put the till that shows a code into a store; within seconds it signs itself in by its own key."""
    actor, now = principals.current().name, clock.now()
    with transaction() as session:
        found = deciding.waiting(
            session, user_code=args["user_code"], who=actor, address=request.remote_addr or "", now=now
        )
        if not isinstance(found, Wrong):
            return deciding.enrol(session, found, store_id=args["store_id"], name=args["name"], actor=actor, now=now)
    raise refusal_of(found)  # once the try is counted


def refusal_of(wrong: Wrong) -> UserCodeUnknown | UserCodesLimited:
    if wrong.wait_seconds is None:
        return UserCodeUnknown()
    limited = UserCodesLimited()
    limited.retry_after_seconds = wrong.wait_seconds
    return limited
