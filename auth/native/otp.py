"""One-time codes: proof that who asks reads what is sent to a phone number, for signing in and for whatever else needs
it.

The answer to a phone number is the same whether we know it or not: the customer is looked up, or created, only when
the code was proved.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from auth import opaque
from auth.abuse import countries, screening
from auth.errors import OAuthRefusal
from auth.native import channels, sign_ins
from auth.native.models import SignIn
from core import crypto
from core.delivery import messages
from core.settings import Settings

CODE_TTL = sign_ins.TTL
RESEND_AFTER = timedelta(seconds=30)
MAX_RESENT = 3
#: What a code is for; one of one purpose is worth nothing for another.
SIGN_IN, WEB, NUMBER, RECOVERY = "sign_in", "web", "number", "recovery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A code is under way.

    handle        what its asker shows with the code
    resend_after  seconds until another one may be asked for under the same handle; None: it may not
    expires_in    seconds that this one works
    """

    handle: str
    channel: str
    resend_after: int | None
    expires_in: int = int(CODE_TTL.total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneProved:
    """A number that was proved, E.164, and the attempt in which it was."""

    phone: str
    locale: str | None
    row: SignIn


def begin(
    session: Session,
    *,
    purpose: str,
    phone: str,
    client_id: str | None,
    address: str,
    settings: Settings,
    now: datetime,
    channel: str | None = None,
    device_id: str | None = None,
    locale: str | None = None,
    code_challenge: str | None = None,
    scope: str = "",
    jkt: bytes | None = None,
    customer_id: UUID | None = None,
) -> OAuthRefusal | Sent:
    """Send a one-time code to a number.

    phone     E.164, normalised
    channel   "sms" (also where None) or "whatsapp", which falls back to SMS where it is not set up
    address   the caller's network address, for its limits
    returns   `slow_down` (429) once a limit is reached, `invalid_request` for a country that is not served
    effects   enqueues one message; counts against the limits, also when it refuses: commit it
    """
    refusal = screening.admit(session, phone=phone, address=address, device_id=device_id, settings=settings, now=now)
    if refusal is not None:
        return refusal
    handle, row = sign_ins.opened(
        session,
        purpose=purpose,
        method="phone",
        client_id=client_id,
        device_id=device_id,
        locale=locale,
        code_challenge=code_challenge,
        scope=scope,
        jkt=jkt,
        customer_id=customer_id,
        now=now,
    )
    return _send(session, row, handle, phone=phone, channel=channel, settings=settings, now=now)


def send(
    session: Session,
    row: SignIn,
    handle: str,
    *,
    phone: str,
    channel: str | None,
    address: str,
    settings: Settings,
    now: datetime,
) -> OAuthRefusal | Sent:
    """Send a code to a number in an attempt that began with something else; otherwise as `begin`."""
    refusal = screening.admit(
        session, phone=phone, address=address, device_id=row.device_id, settings=settings, now=now
    )
    return refusal or _send(session, row, handle, phone=phone, channel=channel, settings=settings, now=now)


def resend(
    session: Session,
    *,
    handle: str,
    purpose: str,
    address: str,
    settings: Settings,
    now: datetime,
    channel: str | None = None,
    client_id: str | None = None,
    jkt: bytes | None = None,
    customer_id: UUID | None = None,
) -> OAuthRefusal | Sent:
    """Send another code under the same handle, by the same channel or another one. The earlier code works no more; the
    tries that were used stay used.

    returns  `invalid_session` when there is none waiting; `slow_down` (429) within 30 seconds, and after three more
    """
    row = sign_ins.waiting(
        session, handle, purpose=purpose, client_id=client_id, jkt=jkt, customer_id=customer_id, now=now
    )
    if isinstance(row, OAuthRefusal):
        return row
    if row.sent_at is None or row.phone is None:
        return OAuthRefusal("invalid_request", "No code was sent yet: send the phone number as `login_hint`")
    if row.resent >= MAX_RESENT:
        return OAuthRefusal("slow_down", "No more codes are sent here: begin again", status=429)
    wait = row.sent_at + RESEND_AFTER - now
    if wait > timedelta(0):
        seconds = int(wait.total_seconds()) + (wait.microseconds > 0)
        return OAuthRefusal("slow_down", "A code was sent just now", status=429, retry_after_seconds=seconds)

    phone = sign_ins.phone_of(session, row)
    refusal = screening.admit(
        session, phone=phone, address=address, device_id=row.device_id, settings=settings, now=now
    )
    if refusal is not None:
        return refusal
    row.resent += 1
    return _send(session, row, handle, phone=phone, channel=channel or row.channel, settings=settings, now=now)


def prove(
    session: Session,
    *,
    handle: str,
    purpose: str,
    otp: str,
    address: str,
    settings: Settings,
    now: datetime,
    client_id: str | None = None,
    jkt: bytes | None = None,
    customer_id: UUID | None = None,
) -> OAuthRefusal | PhoneProved:
    """Try a one-time code.

    client_id, jkt, customer_id  where given, the attempt has to be of that one
    address  the caller's network address, which from now on is no stranger to this number
    returns  `insufficient_authorization` with tries_left for a wrong one; `invalid_session` when the attempt is over
    effects  a wrong one counts, and the fifth ends the attempt: commit it. A right one ends it too
    """
    row = sign_ins.waiting(
        session, handle, purpose=purpose, client_id=client_id, jkt=jkt, customer_id=customer_id, now=now
    )
    if isinstance(row, OAuthRefusal):
        return row
    if row.otp is None or row.sent_at is None:
        return OAuthRefusal("invalid_request", "No code was sent yet: send the phone number as `login_hint`")
    if not hmac.compare_digest(row.otp, kept_otp(row.id, otp)):
        return sign_ins.count_wrong(row, handle, "That code is wrong")

    row.state = "proved"
    phone = sign_ins.phone_of(session, row)
    screening.count_proved(session, phone=phone, address=address, sent_at=row.sent_at, settings=settings, now=now)
    return PhoneProved(phone=phone, locale=row.locale, row=row)


def kept_otp(sign_in_id: UUID, otp: str) -> bytes:
    return opaque.kept("otp", f"{sign_in_id}:{otp}")


def _send(
    session: Session, row: SignIn, handle: str, *, phone: str, channel: str | None, settings: Settings, now: datetime
) -> Sent:
    otp, channel = f"{secrets.randbelow(1_000_000):06}", channels.usable(channel, settings)
    row.phone = crypto.seal(session, owner_id=row.id, place=sign_ins.PHONE_PLACE, row_id=row.id, text=phone)
    row.channel, row.otp, row.sent_at, row.expires_at = channel, kept_otp(row.id, otp), now, now + CODE_TTL
    session.add(row)
    messages.enqueue(
        session,
        customer_id=row.id,
        channel=channel,
        recipient=phone,
        country=countries.of(phone),
        content=channels.content(channel, otp, settings),
        purpose="sign_in",
        due_at=now,
        expires_at=now + CODE_TTL,
        now=now,
    )
    can_resend = row.resent < MAX_RESENT
    return Sent(handle=handle, channel=channel, resend_after=int(RESEND_AFTER.total_seconds()) if can_resend else None)
