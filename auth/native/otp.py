"""Signing in with a phone number and a one-time code (OAuth 2.0 for First-Party Applications, draft 04).

The answer to a phone number is the same whether we know it or not: the customer is looked up, or created, only when
the code was proved.
"""

import hmac
import secrets
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from auth import customers, limits, opaque
from auth.errors import OAuthRefusal
from auth.limits import Limit
from auth.models import ACTIVE
from auth.native.models import SignIn
from auth.oauth import codes
from core import crypto, ids
from core.delivery import messages

CODE_TTL = timedelta(minutes=5)
MAX_TRIES = 5
#: Long enough that a message still under way can be opened; then its data key goes too.
KEPT_FOR = timedelta(hours=24)

_PLACE = "auth.sign_in.phone"
_DAY = timedelta(days=1)

_QUARTER_HOUR = timedelta(minutes=15)

# An address gets many: a mobile operator puts many customers behind one.
_ADDRESS_LIMITS = (Limit("address.quarter_hour", 60, _QUARTER_HOUR), Limit("address.day", 600, _DAY))
# A number's codes are counted by the address that asks: counted by the number alone, a stranger could use them up and
# lock the number's owner out for the day.
_PAIR_LIMITS = (Limit("number_and_address.quarter_hour", 5, _QUARTER_HOUR), Limit("number_and_address.day", 10, _DAY))
# What strangers with many addresses get of one number: a hundred and fifty guesses a day, one chance in 6,700. Who
# proved the number from this address lately is no stranger, so it is not for them that it can be used up.
_STRANGERS_LIMITS = (Limit("number.day", 30, _DAY),)
_PROVED = Limit("number_and_address.proved", 1, timedelta(days=90))


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
    address  the caller's network address, for its limits
    effects  enqueues one SMS; counts against the limits, which answer `slow_down` (429) once they are reached
    """
    wait = limits.take(session, _counted(session, phone, _network_of(address), now=now), now=now)
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
        expires_at=now + CODE_TTL,
        now=now,
    )
    return _code_needed(handle, "Send the code that was texted to this number as `otp`")


def prove(
    session: Session, *, handle: str, client_id: str, otp: str, address: str, now: datetime
) -> str | OAuthRefusal:
    """Try a one-time code; the authorization code when it is right.

    address  the caller's network address, which from now on is no stranger to this number
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
    limits.take(session, [(_PROVED, _pair_of(phone, _network_of(address)))], now=now)
    customer = customers.sign_up(session, phone=phone, locale=sign_in.locale, time_zone=None, now=now)
    if customer.status != ACTIVE:
        return OAuthRefusal("access_denied", "This account is suspended")
    return codes.issue(
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


def _counted(session: Session, phone: str, network: str, *, now: datetime) -> list[tuple[Limit, str]]:
    """The limits that a request for a code counts against, in the order in which they are taken."""
    pair = _pair_of(phone, network)
    counted = [(limit, network) for limit in _ADDRESS_LIMITS] + [(limit, pair) for limit in _PAIR_LIMITS]
    if not limits.is_counted(session, _PROVED, pair, now=now):
        counted += [(limit, phone) for limit in _STRANGERS_LIMITS]
    return counted


def _pair_of(phone: str, network: str) -> str:
    return f"{phone} {network}"


def _network_of(address: str) -> str:
    """What one caller can hardly change: an IPv4 address, and of an IPv6 address the 64 bits that a household gets."""
    try:
        given = ip_address(address)
    except ValueError:
        return address
    if isinstance(given, IPv6Address):
        return str(given.ipv4_mapped or ip_network((given, 64), strict=False))
    return str(given)


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
