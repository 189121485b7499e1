"""The kinds of values that conditions compare: how they are written, compared and told."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from core.money import MAX_AMOUNT_MINOR
from wallet.assets import EXPONENTS

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_SAME = ("equals", "not_equals", "one_of", "none_of")
_ORDER = ("at_least", "at_most", "more_than", "less_than", "between")

_LONGEST_TEXT = 200
_MOST_DAYS = 36_500
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d\Z")


class Unreadable(Exception):
    """A value that is not of its kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """words     that compare values of this kind
    read      a value out of JSON; raises Unreadable
    wanted    what the value must be, in words
    tell      a value for a person, given the currency; wire: for JSON
    choices   what a text may be, for a hint on what was meant
    is_many   what is known is a set, and a condition asks about its members
    """

    words: tuple[str, ...]
    read: Callable[[Any], Any]
    wanted: str
    tell: Callable[[Any, str], str] = lambda value, _: str(value)
    wire: Callable[[Any], Any] = lambda value: value
    choices: tuple[str, ...] = ()
    is_many: bool = False


def money(minor: int, currency: str) -> str:
    """12.00 USD for 1200."""
    exponent = EXPONENTS.get(currency, 0)
    whole, rest = divmod(abs(minor), 10**exponent)
    sign = "-" if minor < 0 else ""
    return f"{sign}{whole}{f'.{rest:0{exponent}}' if exponent else ''} {currency}"


def _whole(raw: Any, most: int = MAX_AMOUNT_MINOR) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int) or not 0 <= raw <= most:
        raise Unreadable
    return raw


def _days(raw: Any) -> int:
    return _whole(raw, _MOST_DAYS)


def _decimal(raw: Any) -> Decimal:
    # A float is read by its shortest text: 0.1 is a tenth. Python also reads NaN and 1e999 from JSON; the bound keeps
    # them out.
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not 0 <= raw <= MAX_AMOUNT_MINOR:
        raise Unreadable
    return Decimal(str(raw))


def _text(raw: Any) -> str:
    if not isinstance(raw, str) or not raw.strip() or len(raw) > _LONGEST_TEXT or not raw.isprintable():
        raise Unreadable
    return raw


def _flag(raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise Unreadable
    return raw


def _id(raw: Any) -> UUID:
    try:
        if isinstance(raw, str) and len(raw) == 36:
            return UUID(raw)
    except ValueError:
        pass
    raise Unreadable


def _date(raw: Any) -> date:
    try:
        if isinstance(raw, str) and len(raw) == 10:
            return date.fromisoformat(raw)
    except ValueError:
        pass
    raise Unreadable


def _clock(raw: Any) -> time:
    if isinstance(raw, str) and _CLOCK.match(raw):
        return time.fromisoformat(raw)
    raise Unreadable


def _weekday(raw: Any) -> str:
    if isinstance(raw, str) and raw in WEEKDAYS:
        return raw
    raise Unreadable


def _number(value: Decimal | int) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


MONEY = Kind(
    words=("equals", "not_equals", *_ORDER),
    read=_whole,
    wanted="a whole number of minor units, such as 2000 for 20.00",
    tell=money,
)
COUNT = Kind(words=(*_SAME, *_ORDER), read=_whole, wanted="a whole number that is not below 0, such as 3")
DAYS = Kind(
    words=(*_SAME, *_ORDER), read=_days, wanted="a whole number of days, such as 30", tell=lambda v, _: f"{v} days"
)
QUANTITY = Kind(
    words=(*_SAME, *_ORDER),
    read=_decimal,
    wanted="a number that is not below 0, such as 2 or 0.5",
    tell=lambda value, _: _number(value),
    wire=_number,
)
FLAG = Kind(words=("equals",), read=_flag, wanted="true or false", tell=lambda value, _: "true" if value else "false")
TEXT = Kind(words=_SAME, read=_text, wanted=f"text of 1 to {_LONGEST_TEXT} characters", tell=lambda v, _: f"“{v}”")
ID = Kind(words=_SAME, read=_id, wanted="an id", wire=str)
DATE = Kind(words=(*_SAME, *_ORDER), read=_date, wanted="a day such as 2026-12-24", wire=str)
CLOCK = Kind(
    words=_ORDER,
    read=_clock,
    wanted="a time of the day such as 17:30",
    tell=lambda value, _: f"{value:%H:%M}",
    wire=lambda value: f"{value:%H:%M}",
)
WEEKDAY = Kind(words=_SAME, read=_weekday, wanted=f"one of {', '.join(WEEKDAYS)}", choices=WEEKDAYS)
IDS = Kind(words=_SAME, read=_id, wanted="an id", wire=str, is_many=True)
NAMES = Kind(words=_SAME, read=_text, wanted="the name of one", tell=lambda value, _: f"“{value}”", is_many=True)
