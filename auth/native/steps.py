"""The steps of signing in within the app: what is asked for first, what comes next, and the code at the end.

Each answer is an OAuthRefusal (`insufficient_authorization` says what is needed next) or an authorization code.
"""

import json
import secrets
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from auth.errors import OAuthRefusal
from auth.native import attempts, federation, otp, sign_ins, signing_in
from auth.native.attempts import Caller, Opening
from auth.native.models import SignIn
from auth.passkeys import asserting
from auth.proofs import PHISHING_RESISTANT


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
    return outcome if isinstance(outcome, OAuthRefusal) else attempts.code_needed(outcome)


def by_passkey(session: Session, caller: Caller, opening: Opening, *, now: datetime) -> OAuthRefusal:
    """Begin with whichever passkey the device has for us."""
    handle, row = attempts.open_by(session, caller, opening, method=attempts.PASSKEY, now=now)
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
    row, proved = outcome.row, signing_in.by_phone(session, outcome, now=now)
    if row.identity is not None and not isinstance(proved, OAuthRefusal):
        proved = federation.link(session, row, proved, now=now)
    return attempts.finish(session, caller, row, proved, now=now)


def answer_passkey(
    session: Session, caller: Caller, *, handle: str, credential: str, now: datetime
) -> str | OAuthRefusal:
    """Try a passkey's answer. A challenge is answered once, so that a wrong one is given another."""
    row = attempts.waiting(session, caller, handle, now=now)
    if isinstance(row, OAuthRefusal):
        return row
    if row.method != attempts.PASSKEY or row.challenge is None:
        return attempts.not_waited_for("a passkey")
    asserted = asserting.check(session, _json(credential), challenge=row.challenge, owner=None, now=now)
    if asserted is None or asserted.owner.customer_id is None:
        refusal = sign_ins.count_wrong(row, handle, "This passkey does not work here")
        if row.state == "waiting":
            refusal.extra.update(_passkey_needed(row, handle, "").extra)
        return refusal

    row.state, row.challenge = "proved", None
    customer_id = asserted.owner.customer_id
    proved = signing_in.known(session, customer_id, acr=PHISHING_RESISTANT, amr=asserted.amr, now=now)
    return attempts.finish(session, caller, row, proved, now=now)


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
    return outcome if isinstance(outcome, OAuthRefusal) else attempts.code_needed(outcome)


def _passkey_needed(row: SignIn, handle: str, description: str) -> OAuthRefusal:
    row.challenge = secrets.token_bytes(32)
    asked = asserting.options(row.challenge, passkeys=None)
    return OAuthRefusal("insufficient_authorization", description, extra={"auth_session": handle, "passkey": asked})


def _json(text: str) -> Any:
    try:
        return json.loads(text) if len(text) <= asserting.MOST_CHARACTERS else None
    except (ValueError, RecursionError):
        return None
