"""Where a device without a keyboard begins (RFC 8628)."""

from flask import Response, request
from flask_smorest import Blueprint

from auth import tokens
from auth.device_grants import asking, user_codes
from auth.device_grants.api import docs
from auth.dpop import binding
from auth.errors import OAuthRefusal
from auth.oauth import metadata
from auth.oauth.api import wire
from core import clock
from core.db import transaction

blueprint = Blueprint("device_protocol", __name__, description="Devices without a keyboard, and tills")
wire.speak_oauth(blueprint)


@blueprint.post("/oauth/device_authorization")
@blueprint.doc(**docs.DEVICE_AUTHORIZATION)
def authorize_device() -> Response:
    """Ask for a code to show: a person types it, and says yes, on another device."""
    given, now = wire.form(), clock.now()
    client = wire.client(given)
    if not client.check_grant_type(metadata.DEVICE_GRANT):
        return wire.refused(OAuthRefusal("unauthorized_client", "This client may not use device codes"))
    proven = binding.presented(now)
    with transaction() as session:
        outcome = asking.ask(
            session,
            client=client,
            scope=given.get("scope", ""),
            proven=proven,
            address=request.remote_addr or "",
            now=now,
        )
    if isinstance(outcome, OAuthRefusal):
        return wire.refused(outcome)
    page, code = f"{tokens.issuer()}/device", user_codes.shown(outcome.user_code)
    return wire.answer(
        {
            "device_code": outcome.device_code,
            "user_code": code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={code}",
            "expires_in": int(asking.TTL.total_seconds()),
            "interval": asking.INTERVAL_SECONDS,
        }
    )
