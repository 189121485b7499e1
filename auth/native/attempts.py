"""An attempt to sign in within the app: who makes it, what it began with, and the code at its end."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth import opaque
from auth.errors import OAuthRefusal
from auth.native import otp, sign_ins
from auth.native.models import SignIn
from auth.native.otp import Sent
from auth.oauth import codes
from auth.oauth.clients import Client
from auth.proofs import Proved
from core.settings import Settings

PHONE, PASSKEY, APPLE, GOOGLE = "phone", "passkey", "apple", "google"
METHODS = (PHONE, PASSKEY, APPLE, GOOGLE)
PROVIDERS = (APPLE, GOOGLE)
#: Signs nobody in: two codes get another number.
RECOVERY = "recovery"


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


def open_by(session: Session, caller: Caller, opening: Opening, *, method: str, now: datetime) -> tuple[str, SignIn]:
    """A new attempt that begins with something other than a number, and its handle."""
    handle, row = sign_ins.opened(
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
    session.add(row)
    return handle, row


def waiting(session: Session, caller: Caller, handle: str, *, now: datetime) -> SignIn | OAuthRefusal:
    """The attempt that a handle stands for, locked, if it is this caller's and not over."""
    return sign_ins.waiting(
        session, handle, purpose=otp.SIGN_IN, client_id=caller.client.client_id, jkt=caller.jkt, now=now
    )


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
