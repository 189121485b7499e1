"""Signing in within the app (OAuth 2.0 for First-Party Applications, draft 04)."""

from flask import Response, current_app, request
from flask_smorest import Blueprint

from auth import phones
from auth.errors import OAuthRefusal, PhoneInvalid
from auth.native import otp
from auth.oauth import pkce
from auth.oauth.api import docs, wire
from core import clock
from core.db import transaction

blueprint = Blueprint("challenge", __name__, description="Signing in within the app")
wire.speak_oauth(blueprint)


@blueprint.post("/oauth/authorize-challenge")
@blueprint.doc(**docs.CHALLENGE)
def challenge() -> Response:
    """Sign in with a phone number: first the number, then the code that was texted to it."""
    given = wire.form()
    if "auth_session" in given:
        return _prove(given)
    return _begin(given)


def _begin(given: dict[str, str]) -> Response:
    if given.get("response_type", "code") != "code":
        return wire.refused(OAuthRefusal("unsupported_response_type", "The only response_type is code"))
    code_challenge = wire.required(given, "code_challenge")
    if given.get("code_challenge_method") != "S256" or not pkce.is_challenge(code_challenge):
        raise wire.invalid("PKCE is needed, with code_challenge_method S256")
    try:
        phone = phones.normalised(wire.required(given, "login_hint"))
    except PhoneInvalid as error:
        raise wire.invalid(f"login_hint: {error.detail}") from error

    with transaction() as session:
        refusal = otp.begin(
            session,
            client_id=given["client_id"],
            phone=phone,
            code_challenge=code_challenge,
            locale=wire.locale_of(given),
            address=request.remote_addr or "",
            brand_name=current_app.extensions["settings"].brand_name,
            now=clock.now(),
        )
    return wire.refused(refusal)


def _prove(given: dict[str, str]) -> Response:
    handle, code = given["auth_session"], wire.required(given, "otp")
    with transaction() as session:
        outcome = otp.prove(
            session,
            handle=handle,
            client_id=given["client_id"],
            otp=code,
            address=request.remote_addr or "",
            now=clock.now(),
        )
    if isinstance(outcome, OAuthRefusal):
        return wire.refused(outcome)
    return wire.answer({"authorization_code": outcome})
