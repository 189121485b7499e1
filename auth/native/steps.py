"""The steps of signing in within the app: what is asked for first, what comes next, and the code at the end.

Each answer is an OAuthRefusal (`insufficient_authorization` says what is needed next) or an authorization code.
"""

import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth import opaque
from auth.errors import OAuthRefusal
from auth.native import otp, signing_in
from auth.native.models import SignIn
from auth.native.otp import Sent
from auth.oauth import codes
from auth.oauth.clients import Client
from auth.passkeys import asserting
from auth.proofs import PHISHING_RESISTANT, Proved
from core.settings import Settings

PHONE, PASSKEY, APPLE, GOOGLE = "phone", "passkey", "apple", "google"
METHODS = (PHONE, PASSKEY, APPLE, GOOGLE)
PROVIDERS = (APPLE, GOOGLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks: the client, the key that this request proves, and from where."""

    client: Client
    jkt: bytes | None
    address: str
    settings: Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What the first request says, whatever it begins with."""

    code_challenge: str
    scope: str
    device_id: str | None
    locale: str | None


def by_phone(
    session: Session, caller: Caller, opening: Opening, *, phone: str, channel: str | None, now: datetime
) -> OAuthRefusal:
    """Begin with a phone number: a code is on its way."""
    outcome = otp.begin(
        session,
        purpose=otp.SIGN_IN,
        phone=phone,
        channel=channel,
        client_id=caller.client.client_id,
        device_id=opening.device_id,
        locale=opening.locale,
        code_challenge=opening.code_challenge,
        scope=opening.scope,
        jkt=caller.jkt,
        address=caller.address,
        settings=caller.settings,
        now=now,
    )
    return outcome if isinstance(outcome, OAuthRefusal) else code_needed(outcome)


def by_passkey(session: Session, caller: Caller, opening: Opening, *, now: datetime) -> OAuthRefusal:
    """Begin with whichever passkey the device has for us."""
    handle, row = opened(session, caller, opening, method=PASSKEY, now=now)
    return _passkey_needed(row, handle, "Send what navigator.credentials.get gives as `passkey`")


def answer_code(session: Session, caller: Caller, *, handle: str, code: str, now: datetime) -> str | OAuthRefusal:
    """Try a one-time code. The first right one signs a new number up."""
    outcome = otp.prove(
        session,
        handle=handle,
        purpose=otp.SIGN_IN,
        otp=code,
        client_id=caller.client.client_id,
        jkt=caller.jkt,
        address=caller.address,
        settings=caller.settings,
        now=now,
    )
    if isinstance(outcome, OAuthRefusal):
        return outcome
    return finish(session, caller, outcome.row, signing_in.by_phone(session, outcome, now=now), now=now)


def answer_passkey(
    session: Session, caller: Caller, *, handle: str, credential: str, now: datetime
) -> str | OAuthRefusal:
    """Try a passkey's answer. A challenge is answered once, so that a wrong one is given another."""
    row = waiting(session, caller, handle, now=now)
    if isinstance(row, OAuthRefusal):
        return row
    if row.method != PASSKEY or row.challenge is None:
        return not_waited_for("a passkey")
    asserted = asserting.check(session, _json(credential), challenge=row.challenge, owner=None, now=now)
    if asserted is None or asserted.owner.customer_id is None:
        refusal = otp.count_wrong(row, handle, "This passkey does not work here")
        if row.state == "waiting":
            refusal.extra.update(_passkey_needed(row, handle, "").extra)
        return refusal

    row.state, row.challenge = "proved", None
    customer_id = asserted.owner.customer_id
    proved = signing_in.known(session, customer_id, acr=PHISHING_RESISTANT, amr=asserted.amr, now=now)
    return finish(session, caller, row, proved, now=now)


def resend(session: Session, caller: Caller, *, handle: str, channel: str | None, now: datetime) -> OAuthRefusal:
    """Send another code, by the same channel or another one."""
    outcome = otp.resend(
        session,
        handle=handle,
        purpose=otp.SIGN_IN,
        channel=channel,
        client_id=caller.client.client_id,
        jkt=caller.jkt,
        address=caller.address,
        settings=caller.settings,
        now=now,
    )
    return outcome if isinstance(outcome, OAuthRefusal) else code_needed(outcome)


def finish(
    session: Session, caller: Caller, row: SignIn, proved: Proved | OAuthRefusal, *, now: datetime
) -> str | OAuthRefusal:
    """The authorization code of an attempt whose customer is known."""
    if isinstance(proved, OAuthRefusal):
        return proved
    return codes.issue(
        session,
        client=caller.client,
        proved=proved,
        scope=row.scope,
        code_challenge=row.code_challenge,
        jkt=row.jkt,
        device_id=row.device_id,
        now=now,
    )


def opened(session: Session, caller: Caller, opening: Opening, *, method: str, now: datetime) -> tuple[str, SignIn]:
    """A new attempt that begins with something other than a number, and its handle."""
    return otp.opened(
        session,
        purpose=otp.SIGN_IN,
        method=method,
        client_id=caller.client.client_id,
        device_id=opening.device_id,
        locale=opening.locale,
        code_challenge=opening.code_challenge,
        scope=opening.scope,
        jkt=caller.jkt,
        now=now,
    )


def waiting(session: Session, caller: Caller, handle: str, *, now: datetime) -> SignIn | OAuthRefusal:
    """The attempt that a handle stands for, locked, if it is this caller's and not over."""
    return otp.waiting(session, handle, purpose=otp.SIGN_IN, client_id=caller.client.client_id, jkt=caller.jkt, now=now)


def client_id_of(session: Session, handle: str) -> str | None:
    """Whose attempt it is: who has its handle may leave `client_id` out."""
    return session.scalar(select(SignIn.client_id).where(SignIn.handle == opaque.kept("auth_session", handle)))


def code_needed(sent: Sent) -> OAuthRefusal:
    extra: dict[str, Any] = {"auth_session": sent.handle, "methods": ["otp"], "channel": sent.channel}
    if sent.resend_after is not None:
        extra["resend_after"] = sent.resend_after
    return OAuthRefusal(
        "insufficient_authorization",
        "Send the code that was sent to this number as `otp`",
        extra={**extra, "expires_in": sent.expires_in},
    )


def not_waited_for(what: str) -> OAuthRefusal:
    return OAuthRefusal("invalid_request", f"This auth_session does not wait for {what}")


def _passkey_needed(row: SignIn, handle: str, description: str) -> OAuthRefusal:
    row.challenge = secrets.token_bytes(32)
    asked = asserting.options(row.challenge, passkeys=None)
    return OAuthRefusal("insufficient_authorization", description, extra={"auth_session": handle, "passkey": asked})


def _json(text: str) -> Any:
    try:
        return json.loads(text) if len(text) <= asserting.MOST_CHARACTERS else None
    except (ValueError, RecursionError):
        return None
