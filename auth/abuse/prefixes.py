"""Prefixes: numbers that lie side by side. Who is paid for the messages that a range of numbers gets has the range, so
that what stops them counts ranges and not numbers."""

from datetime import timedelta

from auth.limits import Limit

#: A number less so many digits: a hundred thousand numbers, as operators rent them.
_DIGITS = 5

LIMITS = (
    Limit("prefix.hour", most=100, window=timedelta(hours=1)),
    Limit("prefix.day", most=300, window=timedelta(days=1)),
)


def of(phone: str) -> str:
    """+447700900123 lies in +4477009."""
    return phone[:-_DIGITS]
