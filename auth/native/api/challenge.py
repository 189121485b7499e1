"""Signing in within the app (OAuth 2.0 for First-Party Applications, draft 04)."""

from datetime import datetime

from flask import Response, current_app, request
from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from auth import phones
from auth.errors import OAuthRefusal, PhoneInvalid
from auth.native import otp, signing_in
from auth.oauth import clients, codes, pkce
from auth.oauth.api import docs, wire
from auth.oauth.clients import Client
from core import clock
from core.db import transaction

blueprint = Blueprint("challenge", __name__, description="Signing in within the app")
wire.speak_oauth(blueprint)


@blueprint.post("/oauth/authorize-challenge")
@blueprint.doc(**docs.CHALLENGE)
def challenge() -> Response:
    """Sign in with a phone number: first the number, then the code that was texted to it."""
    given = wire.form()
    client = wire.client(given)
    if client.kind != clients.APP:
        return wire.refused(OAuthRefusal("unauthorized_client", "This client signs in by a browser"))
    return _prove(given, client) if "auth_session" in given else _begin(given, client)


def _begin(given: dict[str, str], client: Client) -> Response:
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
        outcome = otp.begin(
            session,
            purpose=otp.SIGN_IN,
            client_id=client.client_id,
            phone=phone,
            code_challenge=code_challenge,
            locale=wire.locale_of(given),
            address=request.remote_addr or "",
            settings=current_app.extensions["settings"],
            now=clock.now(),
        )
    return wire.refused(outcome if isinstance(outcome, OAuthRefusal) else _code_needed(outcome))


def _code_needed(sent: otp.Sent) -> OAuthRefusal:
    return OAuthRefusal(
        "insufficient_authorization",
        "Send the code that was sent to this number as `otp`",
        extra={"auth_session": sent.handle, "channel": sent.channel, "expires_in": sent.expires_in},
    )


def _prove(given: dict[str, str], client: Client) -> Response:
    handle, code = given["auth_session"], wire.required(given, "otp")
    now = clock.now()
    with transaction() as session:
        outcome = otp.prove(
            session,
            handle=handle,
            purpose=otp.SIGN_IN,
            client_id=client.client_id,
            otp=code,
            address=request.remote_addr or "",
            settings=current_app.extensions["settings"],
            now=now,
        )
        return wire.refused(outcome) if isinstance(outcome, OAuthRefusal) else _proved(session, client, outcome, now)


def _proved(session: Session, client: Client, outcome: otp.PhoneProved, now: datetime) -> Response:
    proved, row = signing_in.by_phone(session, outcome, now=now), outcome.row
    if isinstance(proved, OAuthRefusal):
        return wire.refused(proved)
    assert row.code_challenge
    code = codes.issue(session, client=client, proved=proved, scope="", code_challenge=row.code_challenge, now=now)
    return wire.answer({"authorization_code": code})
