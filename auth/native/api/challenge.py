"""Signing in within the app (OAuth 2.0 for First-Party Applications, draft 04)."""

import re
from collections.abc import Callable
from datetime import datetime

from flask import Response, current_app, request
from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from auth import emails, phones
from auth.errors import EmailInvalid, OAuthRefusal, PhoneInvalid
from auth.federated import checking
from auth.native import attempts, channels, federation, mail_recovery, steps
from auth.native.api import docs
from auth.native.attempts import Caller, Opening
from auth.native.models import NumberChange
from auth.oauth import clients, pkce, scopes
from auth.oauth.api import proving, wire
from core import clock
from core.db import transaction
from core.events.announce import jsonable

blueprint = Blueprint("challenge", __name__, description="Signing in within the app")
wire.speak_oauth(blueprint)

_DEVICE = re.compile(r"[A-Za-z0-9._-]{1,100}\Z")


@blueprint.post("/oauth/authorize-challenge")
@blueprint.doc(**docs.CHALLENGE)
def challenge() -> Response:
    """Sign in: first the phone number, or a passkey, Apple or Google; then what the answer asks for."""
    given, now = wire.form(), clock.now()
    caller = _caller(given, now)
    if isinstance(caller, OAuthRefusal):
        return wire.refused(caller)
    step = _next(given) if "auth_session" in given else _first(given, caller)
    with transaction() as session:
        outcome = step(session, caller, now)
    if isinstance(outcome, OAuthRefusal):
        return wire.refused(outcome)
    if isinstance(outcome, NumberChange):
        taken = {"id": str(outcome.id), "takes_effect_at": jsonable(outcome.takes_effect_at)}
        return wire.answer({"number_change": taken})
    return wire.answer({"authorization_code": outcome})


_Step = Callable[[Session, Caller, datetime], str | NumberChange | OAuthRefusal]


def _caller(given: dict[str, str], now: datetime) -> Caller | OAuthRefusal:
    if "auth_session" in given and "client_id" not in given:
        with transaction() as session:
            client_id = attempts.client_id_of(session, given["auth_session"])
        if client_id is None:
            return OAuthRefusal("invalid_session", "This auth_session is over: begin again")
        given["client_id"] = client_id
    client = wire.client(given)
    if client.kind != clients.APP:
        return OAuthRefusal("unauthorized_client", "This client signs in by a browser")
    return Caller(
        client=client,
        jkt=proving.take(client, now=now),
        address=request.remote_addr or "",
        settings=current_app.extensions["settings"],
    )


def _first(given: dict[str, str], caller: Caller) -> _Step:
    method = given.get("method", attempts.PHONE)
    if method == attempts.RECOVERY:
        return _recovery(given)
    opening = _opening(given, caller)
    if method == attempts.PHONE:
        phone, channel = _phone(given), _channel(given)
        return lambda session, caller, now: steps.by_phone(
            session, caller, opening, phone=phone, channel=channel, now=now
        )
    if method == attempts.PASSKEY:
        return lambda session, caller, now: steps.by_passkey(session, caller, opening, now=now)
    if method in attempts.PROVIDERS:
        return lambda session, caller, now: federation.begin(session, caller, opening, provider=method, now=now)
    raise wire.invalid("method is passkey, apple, google or recovery, or left out beside a login_hint")


def _recovery(given: dict[str, str]) -> _Step:
    phone, channel, locale = _phone(given), _channel(given), wire.locale_of(given)
    try:
        email = emails.normalised(wire.required(given, "email"))
    except EmailInvalid as error:
        raise wire.invalid(f"email: {error.detail}") from error
    return lambda session, caller, now: mail_recovery.begin(
        session, caller, phone=phone, email=email, channel=channel, locale=locale, now=now
    )


def _next(given: dict[str, str]) -> _Step:
    answers = [name for name in _ANSWERS if name in given]
    if len(answers) != 1:
        raise wire.invalid(f"Send one of {', '.join(_ANSWERS)} beside the auth_session")
    return _ANSWERS[answers[0]](given["auth_session"], given)


def _code(handle: str, given: dict[str, str]) -> _Step:
    code, mailed = given["otp"], given.get("email_code")
    if mailed is not None:
        return lambda session, caller, now: mail_recovery.answer(
            session, caller, handle=handle, code=code, email_code=mailed, now=now
        )
    return lambda session, caller, now: steps.answer_code(session, caller, handle=handle, code=code, now=now)


def _passkey(handle: str, given: dict[str, str]) -> _Step:
    passkey = given["passkey"]
    return lambda session, caller, now: steps.answer_passkey(
        session, caller, handle=handle, credential=passkey, now=now
    )


def _id_token(handle: str, given: dict[str, str]) -> _Step:
    with transaction() as session:
        provider = federation.provider_of(session, handle)
    # Apple and Google may be asked for their keys, for which no transaction waits.
    verified = checking.verify(provider, given["id_token"], now=clock.now())
    return lambda session, caller, now: federation.answer(
        session, caller, handle=handle, verified=verified, provider_code=given.get("provider_code"), now=now
    )


def _number(handle: str, given: dict[str, str]) -> _Step:
    phone, channel = _phone(given), _channel(given)
    return lambda session, caller, now: federation.send_code(
        session, caller, handle=handle, phone=phone, channel=channel, now=now
    )


def _resend(handle: str, given: dict[str, str]) -> _Step:
    channel = _channel(given)
    return lambda session, caller, now: steps.resend(session, caller, handle=handle, channel=channel, now=now)


#: What may come beside an auth_session, one at a time.
_ANSWERS: dict[str, Callable[[str, dict[str, str]], _Step]] = {
    "otp": _code,
    "passkey": _passkey,
    "id_token": _id_token,
    "login_hint": _number,
    "resend": _resend,
}


def _opening(given: dict[str, str], caller: Caller) -> Opening:
    if given.get("response_type", "code") != "code":
        raise wire.OAuthError(OAuthRefusal("unsupported_response_type", "The only response_type is code"))
    code_challenge = wire.required(given, "code_challenge")
    if given.get("code_challenge_method") != "S256" or not pkce.is_challenge(code_challenge):
        raise wire.invalid("PKCE is needed, with code_challenge_method S256")
    scope = scopes.parse(caller.client, given.get("scope", ""))
    if isinstance(scope, OAuthRefusal):
        raise wire.OAuthError(scope)
    device_id = given.get("device")
    if device_id is not None and not _DEVICE.match(device_id):
        raise wire.invalid("device is the installation's id: letters, digits, dots and hyphens, at most 100")
    return Opening(code_challenge=code_challenge, scope=scope, device_id=device_id, locale=wire.locale_of(given))


def _phone(given: dict[str, str]) -> str:
    try:
        return phones.normalised(wire.required(given, "login_hint"))
    except PhoneInvalid as error:
        raise wire.invalid(f"login_hint: {error.detail}") from error


def _channel(given: dict[str, str]) -> str | None:
    if given.get("channel", channels.SMS) not in channels.CHANNELS:
        raise wire.invalid("channel is sms or whatsapp")
    return given.get("channel")
