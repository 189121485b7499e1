"""Signing in with a phone number and a one-time code (OAuth 2.0 for First-Party Applications, draft 04).

The answer to a phone number is the same whether we know it or not: the customer is looked up, or created, only when
the code was proved.
"""

import hmac
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from auth import authorization_codes, customers, limits, opaque
from auth.errors import OAuthRefusal
from auth.limits import Limit
from auth.models import ACTIVE
from auth.sign_in_models import SignIn
from core import crypto, ids
from core.delivery import messages

CODE_TTL = timedelta(minutes=5)
MAX_TRIES = 5
#: Long enough that a message still under way can be opened; then its data key goes too.
KEPT_FOR = timedelta(hours=24)

_PLACE = "auth.sign_in.phone"
_DAY = timedelta(days=1)

# Fifty guesses a day at one number find one code in twenty thousand. Addresses get more: a mobile operator puts many
# customers behind one.
_NUMBER_LIMITS = (Limit("number.quarter_hour", 5, timedelta(minutes=15)), Limit("number.day", 10, _DAY))
_ADDRESS_LIMITS = (Limit("address.quarter_hour", 60, timedelta(minutes=15)), Limit("address.day", 600, _DAY))


def begin(
    session: Session,
    *,
    client_id: str,
    phone: str,
    code_challenge: str,
    locale: str | None,
    address: str,
    brand_name: str,
    now: datetime,
) -> OAuthRefusal:
    """Send a one-time code to a number and say that it is needed: `insufficient_authorization` with an auth_session.

    phone    E.164, normalised
    address  the caller's network address, for its limit
    effects  enqueues one SMS; counts against both limits, which answer `slow_down` (429) once they are reached
    """
    counted = [(limit, phone) for limit in _NUMBER_LIMITS] + [(limit, address) for limit in _ADDRESS_LIMITS]
    wait = limits.take(session, counted, now=now)
    if wait is not None:
        return OAuthRefusal(
            "slow_down", "Too many codes were asked for; try again later", status=429, retry_after_seconds=wait
        )

    handle, otp, sign_in_id = opaque.new(), f"{secrets.randbelow(1_000_000):06}", ids.new()
    crypto.create_data_keys(session, [sign_in_id])
    session.add(
        SignIn(
            id=sign_in_id,
            handle=opaque.kept("auth_session", handle),
            client_id=client_id,
            phone=crypto.seal(session, owner_id=sign_in_id, place=_PLACE, row_id=sign_in_id, text=phone),
            locale=locale,
            code_challenge=code_challenge,
            otp=_kept_otp(sign_in_id, otp),
            tries=0,
            state="waiting",
            created_at=now,
            expires_at=now + CODE_TTL,
        )
    )
    messages.enqueue(
        session,
        customer_id=sign_in_id,
        channel="sms",
        recipient=phone,
        content={"body": f"{otp} is your {brand_name} code. It works for 5 minutes. Tell it to nobody."},
        purpose="sign_in",
        due_at=now,
        now=now,
    )
    return _code_needed(handle, "Send the code that was texted to this number as `otp`")


def prove(session: Session, *, handle: str, client_id: str, otp: str, now: datetime) -> str | OAuthRefusal:
    """Try a one-time code; the authorization code when it is right.

    effects  a wrong one counts, and the fifth ends the attempt. The first right one signs a new number up
    """
    sign_in = session.scalar(
        select(SignIn).where(SignIn.handle == opaque.kept("auth_session", handle)).with_for_update()
    )
    if sign_in is None or sign_in.client_id != client_id or sign_in.state != "waiting" or now >= sign_in.expires_at:
        return OAuthRefusal("invalid_session", "This auth_session is over: begin again with the phone number")
    if not hmac.compare_digest(sign_in.otp, _kept_otp(sign_in.id, otp)):
        return _count_wrong(sign_in, handle)

    sign_in.state = "proved"
    phone = crypto.unseal(session, owner_id=sign_in.id, place=_PLACE, row_id=sign_in.id, ciphertext=sign_in.phone)
    customer = customers.sign_up(session, phone=phone, locale=sign_in.locale, time_zone=None, now=now)
    if customer.status != ACTIVE:
        return OAuthRefusal("access_denied", "This account is suspended")
    return authorization_codes.issue(
        session,
        client_id=client_id,
        customer_id=customer.id,
        code_challenge=sign_in.code_challenge,
        now=now,
    )


def forget(session: Session, *, now: datetime, most: int) -> int:
    """Drop up to `most` attempts that are long over, and with their data keys the numbers and codes that were texted;
    returns how many."""
    over = select(SignIn.id).where(SignIn.created_at <= now - KEPT_FOR).limit(most)
    gone = session.scalars(delete(SignIn).where(SignIn.id.in_(over)).returning(SignIn.id)).all()
    for sign_in_id in gone:
        crypto.destroy_data_key(session, sign_in_id)
    return len(gone)


def _count_wrong(sign_in: SignIn, handle: str) -> OAuthRefusal:
    sign_in.tries += 1
    if sign_in.tries >= MAX_TRIES:
        sign_in.state = "failed"
        return OAuthRefusal("invalid_session", "Too many wrong codes: begin again with the phone number")
    return _code_needed(handle, "That code is wrong", tries_left=MAX_TRIES - sign_in.tries)


def _code_needed(handle: str, description: str, **extra: int) -> OAuthRefusal:
    return OAuthRefusal("insufficient_authorization", description, extra={"auth_session": handle, **extra})


def _kept_otp(sign_in_id: UUID, otp: str) -> bytes:
    return opaque.kept("otp", f"{sign_in_id}:{otp}")
