"""The keys that tokens are signed with, for staff."""

from typing import Any

from flask_smorest import Blueprint

from auth.keys import rotating
from auth.keys.api.schemas import SigningKeyRotationArgsSchema, SigningKeyRotationSchema, SigningKeySchema
from core import clock
from core.db import transaction
from core.web import principals
from core.web.doors import needs
from core.web.schemas import page_of

blueprint = Blueprint("signing_keys", __name__, description="The keys that tokens are signed with")


@blueprint.get("/signing-keys")
@blueprint.response(200, page_of(SigningKeySchema))
@needs("keys.read")
def list_signing_keys() -> dict[str, Any]:
    """The keys that sign tokens, or did; all on one page."""
    with transaction() as session:
        return {"items": rotating.list_(session), "next_cursor": None}


@blueprint.post("/signing-keys/rotations")
@blueprint.arguments(SigningKeyRotationArgsSchema())
@blueprint.response(200, SigningKeyRotationSchema())
@needs("keys.rotate")
def rotate_signing_keys(args: dict[str, bool]) -> dict[str, Any]:
    """Sign by the next keys from now on; those that were published less than a day ago wait, unless told not to."""
    with transaction() as session:
        waiting = rotating.rotate(session, actor=principals.current().name, at_once=args["at_once"], now=clock.now())
        return {"items": rotating.list_(session), "waiting": waiting}
