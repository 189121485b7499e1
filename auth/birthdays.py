"""Birthdays: sealed like all that tells who somebody is, and found again by month and day alone.

A customer may leave the year out. Since presents hang on it, it changes once a year at most.
"""

import re
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from auth.errors import BirthdayFixed, BirthdayInvalid
from auth.models import Customer
from core import crypto

FIXED_FOR = timedelta(days=365)

_PLACE = "auth.customer.birthday"
_SHAPE = re.compile(r"(?:([0-9]{4})-)?([0-9]{2})-([0-9]{2})\Z")
_OLDEST = 130


def put(session: Session, customer: Customer, birthday: str | None, *, now: datetime) -> None:
    """Set, change or forget a birthday, written 1990-02-28 or 02-28.

    raises   BirthdayInvalid; BirthdayFixed when it was changed within a year. Forgetting it is free at any time, but
             another one still has to wait
    """
    if birthday is None:
        customer.birthday = customer.birthday_index = None
        return
    birthday = normalised(birthday, today=now.date())
    if birthday == opened(session, customer):
        return
    if customer.birthday_set_at is not None and now < customer.birthday_set_at + FIXED_FOR:
        raise BirthdayFixed
    sealed = crypto.seal(session, owner_id=customer.id, place=_PLACE, row_id=customer.id, text=birthday)
    customer.birthday, customer.birthday_index, customer.birthday_set_at = sealed, index_of(birthday[-5:]), now


def opened(session: Session, customer: Customer) -> str | None:
    """raises  crypto.Erased"""
    if customer.birthday is None:
        return None
    return crypto.unseal(session, owner_id=customer.id, place=_PLACE, row_id=customer.id, ciphertext=customer.birthday)


def normalised(text: str, *, today: date) -> str:
    """raises  BirthdayInvalid for what is no day, is yet to come, or of nobody who lives"""
    match = _SHAPE.match(text)
    if match is None:
        raise BirthdayInvalid
    year, month, day = match.groups()
    try:
        # A leap year, so that those of 29 February may leave the year out, too.
        born = date(int(year or 2000), int(month), int(day))
    except ValueError as error:
        raise BirthdayInvalid from error
    if year and not (today.year - _OLDEST <= born.year and born <= today):
        raise BirthdayInvalid
    return text


def index_of(month_day: str) -> bytes:
    """month_day: 02-28"""
    return crypto.blind_index("auth.birthday", month_day)
