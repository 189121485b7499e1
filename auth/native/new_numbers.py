"""A customer's new number, proved by the code that is sent to it."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from auth import customers, limits
from auth.errors import OAuthRefusal
from auth.limits import Limit
from auth.native import numbers, otp
from auth.native.errors import PhoneCodeLimited, PhoneCodeWrong, PhoneNotServed, PhoneUnchanged
from auth.native.models import NumberChange
from auth.native.otp import Sent
from auth.passkeys import trust
from auth.proofs import Owner
from core.errors import Refusal
from core.settings import Settings

_CUSTOMER_LIMITS = (
    Limit("number_change.hour", most=5, window=timedelta(hours=1)),
    Limit("number_change.day", most=10, window=timedelta(days=1)),
)


def send_code(
    session: Session,
    customer_id: UUID,
    *,
    phone: str,
    channel: str | None,
    address: str,
    settings: Settings,
    now: datetime,
) -> Sent | Refusal:
    """Send a code to the number (E.164) that a customer wants to have.

    returns  PhoneUnchanged, PhoneCodeLimited or PhoneNotServed, to be raised once what it counted is committed
    """
    if customers.phone_of(session, customer_id) == phone:
        return PhoneUnchanged()
    wait = limits.take(session, [(limit, str(customer_id)) for limit in _CUSTOMER_LIMITS], now=now)
    if wait is not None:
        return _limited(wait)
    sent = otp.begin(
        session,
        purpose=otp.NUMBER,
        phone=phone,
        channel=channel,
        client_id=None,
        customer_id=customer_id,
        address=address,
        settings=settings,
        now=now,
    )
    if isinstance(sent, Sent):
        return sent
    return _limited(sent.retry_after_seconds) if sent.error == "slow_down" else PhoneNotServed()


def prove(
    session: Session,
    customer_id: UUID,
    *,
    handle: str,
    code: str,
    acr: str,
    session_id: UUID | None,
    address: str,
    settings: Settings,
    now: datetime,
) -> NumberChange | PhoneCodeWrong:
    """Try the code. A right one begins the change: at once for whom a passkey vouches (not a young one, which a stolen
    number may have made) or who has just signed up, else in a day.

    acr         how the customer signed in just now
    session_id  theirs, which goes on where the others end
    returns     PhoneCodeWrong, to be raised once the try is committed
    raises      what `numbers.ask` does
    """
    proved = otp.prove(
        session,
        handle=handle,
        purpose=otp.NUMBER,
        otp=code,
        customer_id=customer_id,
        address=address,
        settings=settings,
        now=now,
    )
    if isinstance(proved, OAuthRefusal):
        return PhoneCodeWrong(tries_left=proved.extra.get("tries_left", 0))
    is_trusted = trust.is_due(session, Owner(customer_id=customer_id), acr=acr, now=now)
    wait = timedelta(0) if is_trusted else numbers.WAIT
    return numbers.ask(
        session, customer_id, proved.phone, how=numbers.FRESH, wait=wait, but_session=session_id, now=now
    )


def _limited(seconds: int | None) -> PhoneCodeLimited:
    refusal = PhoneCodeLimited()
    refusal.retry_after_seconds = seconds
    return refusal
