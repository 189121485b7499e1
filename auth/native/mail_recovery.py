"""Recovery by e-mail: who lost their number, but reads the address that they proved once, gets another number.

It takes two codes, one to the new number and one to the address, and then days in which every device, the address and
the old number are told and anybody who is signed in may cancel. Whether an address is known is told to nobody: the same
is written for one that is not, in a mail that never leaves.
"""

import hmac
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from auth import customers, emails, limits, opaque
from auth.errors import OAuthRefusal
from auth.limits import Limit
from auth.models import ACTIVE
from auth.native import numbers, otp, sign_ins
from auth.native.attempts import Caller
from auth.native.errors import NumberChangeOpen, PhoneTaken
from auth.native.models import NumberChange, SignIn
from core.delivery import messages
from core.errors import NotFound
from core.web.addresses import network_of

# By who asks first, so that a stranger cannot use up what the address's owner may ask for.
_PAIR_LIMIT = Limit("recovery.pair.day", most=3, window=timedelta(days=1))
_EMAIL_LIMIT = Limit("recovery.email.day", most=20, window=timedelta(days=1))


def begin(
    session: Session, caller: Caller, *, phone: str, email: str, channel: str | None, locale: str | None, now: datetime
) -> OAuthRefusal:
    """Send a code to the new number (E.164) and one to the address.

    email    normalised
    effects  counts against the limits, also when it refuses: commit it
    """
    counted = [(_PAIR_LIMIT, f"{email} {network_of(caller.address)}"), (_EMAIL_LIMIT, email)]
    wait = limits.take(session, counted, now=now)
    if wait is not None:
        return OAuthRefusal("slow_down", "Too many codes were asked for", status=429, retry_after_seconds=wait)
    customer_id = emails.by_email(session, email)
    sent = otp.begin(
        session,
        purpose=otp.RECOVERY,
        phone=phone,
        channel=channel,
        client_id=caller.client.client_id,
        customer_id=customer_id,
        locale=locale,
        jkt=caller.jkt,
        address=caller.address,
        settings=caller.settings,
        now=now,
    )
    if isinstance(sent, OAuthRefusal):
        return sent
    _write(session, caller, sent.handle, email, is_known=customer_id is not None, now=now)
    return OAuthRefusal(
        "insufficient_authorization",
        "Send the code that was sent to the number as `otp`, and the one that was mailed as `email_code`",
        extra={
            "auth_session": sent.handle,
            "methods": ["otp", "email_code"],
            "channel": sent.channel,
            "expires_in": sent.expires_in,
        },
    )


def answer(
    session: Session, caller: Caller, *, handle: str, code: str, email_code: str, now: datetime
) -> NumberChange | OAuthRefusal:
    """Try both codes at once. Right ones begin a change of number that takes effect after RECOVERY_WAIT_HOURS.

    effects  a wrong one counts, whichever it is, and the fifth ends the attempt: commit it
    """
    row = _waiting(session, caller, handle, now=now)
    if isinstance(row, OAuthRefusal):
        return row
    if row.otp is None or row.challenge is None or row.sent_at is None:
        return sign_ins.over()
    are_right = hmac.compare_digest(row.otp, otp.kept_otp(row.id, code))
    are_right &= hmac.compare_digest(row.challenge, _kept(row.id, email_code))
    if not are_right or row.customer_id is None:
        return sign_ins.count_wrong(row, handle, "One of the codes is wrong")

    row.state = "proved"
    if customers.find(session, row.customer_id).status != ACTIVE:
        return OAuthRefusal("access_denied", "This account is suspended")
    wait = timedelta(hours=caller.settings.recovery_wait_hours)
    try:
        return numbers.ask(
            session, row.customer_id, sign_ins.phone_of(session, row), how=numbers.RECOVERY, wait=wait, now=now
        )
    except (NumberChangeOpen, PhoneTaken, NotFound) as refusal:
        return OAuthRefusal("access_denied", refusal.title)


def _write(session: Session, caller: Caller, handle: str, email: str, *, is_known: bool, now: datetime) -> None:
    row = _waiting(session, caller, handle, now=now)
    assert isinstance(row, SignIn)
    code, brand = f"{secrets.randbelow(1_000_000):06}", caller.settings.brand_name
    row.challenge = _kept(row.id, code)
    messages.enqueue(
        session,
        customer_id=row.id,
        channel="email",
        recipient=email,
        content={
            "subject": f"Your {brand} code",
            "text": f"{code} is the code for moving your {brand} account to another phone number. It works for 5 "
            "minutes. Tell it to nobody.\nIf you did not ask for it, somebody may be trying to take your account over.",
        },
        purpose="sign_in",
        due_at=now,
        expires_at=now + otp.CODE_TTL if is_known else now,  # one that has run out is not sent
        now=now,
    )


def _waiting(session: Session, caller: Caller, handle: str, *, now: datetime) -> SignIn | OAuthRefusal:
    return sign_ins.waiting(
        session, handle, purpose=otp.RECOVERY, client_id=caller.client.client_id, jkt=caller.jkt, now=now
    )


def _kept(sign_in_id: UUID, code: str) -> bytes:
    return opaque.kept("recovery_code", f"{sign_in_id}:{code}")
