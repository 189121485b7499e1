"""Screening: everything that a code has to pass before it is sent, in the transaction that sends it.

It asks nothing about whose number it is, so that a known number and an unknown one cost and tell the same.
"""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from auth import limits
from auth.abuse import breaker, caps, countries, prefixes
from auth.errors import OAuthRefusal
from auth.limits import Limit
from core.settings import Settings
from core.web.addresses import network_of

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
_DEVICE_LIMIT = Limit("device.day", 10, _DAY)
_PROVED = Limit("number_and_address.proved", 1, timedelta(days=90))


def admit(
    session: Session, *, phone: str, address: str, device_id: str | None, settings: Settings, now: datetime
) -> OAuthRefusal | None:
    """Count a code that is about to be sent to a number, or say why it is not.

    phone    E.164, normalised
    address  the caller's network address
    effects  counts, also what it refuses: commit it
    """
    country = countries.of(phone)
    if not countries.is_served(country, settings):
        return OAuthRefusal("invalid_request", "We do not send codes to this country")

    network = network_of(address)
    is_known = limits.is_counted(session, _PROVED, _pair_of(phone, network), now=now)
    counted = _counted(phone, network, device_id, is_known=is_known)
    wait = limits.take(session, [*counted, *caps.limits(settings.otp_daily_most, is_known=is_known)], now=now)
    if wait is None:
        wait = breaker.send(session, _scopes_of(phone, settings), is_known=is_known, now=now)
    if wait is None:
        return None
    return OAuthRefusal(
        "slow_down", "Too many codes were asked for; try again later", status=429, retry_after_seconds=wait
    )


def count_proved(
    session: Session, *, phone: str, address: str, sent_at: datetime, settings: Settings, now: datetime
) -> None:
    """Remember that a code was used, and that the address it was used from is no stranger to the number."""
    # In the next window, so that it holds to the end of that: at the end of this one everybody would be a stranger.
    limits.take(session, [(_PROVED, _pair_of(phone, network_of(address)))], now=now + _PROVED.window)
    breaker.use(session, _scopes_of(phone, settings), sent_at=sent_at)


def _counted(phone: str, network: str, device_id: str | None, *, is_known: bool) -> list[tuple[Limit, str]]:
    """The limits that a request for a code counts against, in the order in which they are taken."""
    pair = _pair_of(phone, network)
    counted = [(limit, network) for limit in _ADDRESS_LIMITS] + [(limit, pair) for limit in _PAIR_LIMITS]
    if device_id is not None:
        counted.append((_DEVICE_LIMIT, device_id))
    if not is_known:
        counted += [(limit, phone) for limit in _STRANGERS_LIMITS]
        counted += [(limit, prefixes.of(phone)) for limit in prefixes.LIMITS]
    return counted


def _scopes_of(phone: str, settings: Settings) -> list[str]:
    return breaker.scopes_of(prefix=prefixes.of(phone), country=countries.of(phone), home=settings.brand_country)


def _pair_of(phone: str, network: str) -> str:
    return f"{phone} {network}"
