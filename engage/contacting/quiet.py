"""Quiet hours: on the customer's own clock, not ours.

What falls into them is held until they end or is left out: the journey's choice. What a customer's own deed brings
about (transactional) passes.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from engage.contacting import zones
from engage.contacting.policy import Policy, Quiet

Mode = Literal["hold", "skip", "pass"]
MODES = ("hold", "skip", "pass")

#: Over so long what was held leaves once quiet hours are over: all at nine o'clock sharp would storm providers and
#: shops alike.
_SPREAD = timedelta(minutes=15)

#: Who is written to for so many days hardly finds an end: then the throttle's own pace must do.
_MOST_DAYS = 60


@dataclass(frozen=True, slots=True)
class Now:
    """It may leave at once."""


@dataclass(frozen=True, slots=True)
class Hold:
    """It may leave at `until`, when the quiet hours are over."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Skip:
    """It is not sent at all."""


Verdict = Now | Hold | Skip


def decide(policy: Policy, zone: str | None, at: datetime, mode: str, *, channel: str | None = None) -> Verdict:
    """What becomes of a message that would leave at an instant.

    zone     of the customer (IANA name); None: the brand's
    mode     "hold", "skip" or "pass"
    channel  None: whether any channel is quiet; the inbox never is
    """
    if policy.quiet is None or mode == "pass" or not concerns(policy, channel):
        return Now()
    until = ends_at(policy.quiet, zone, at)
    if until is None:
        return Now()
    return Skip() if mode == "skip" else Hold(until)


def concerns(policy: Policy, channel: str | None) -> bool:
    """Whether there are quiet hours on a channel (None: on any)."""
    return policy.quiet is not None and (channel is None or channel in policy.quiet.channels)


def ends_at(quiet: Quiet, zone: str | None, at: datetime) -> datetime | None:
    """When the quiet hours that `at` falls into are over; None where it falls into none.

    Where the clock is put back and shows their end twice, the second time counts: nobody is woken in between.
    """
    own = zones.of(zone)
    local = at.astimezone(own)
    clock, over_midnight = local.time(), quiet.begins > quiet.ends
    is_quiet = clock >= quiet.begins or clock < quiet.ends if over_midnight else quiet.begins <= clock < quiet.ends
    if not is_quiet:
        return None
    day = local.date() + timedelta(days=1 if over_midnight and clock >= quiet.begins else 0)
    return zones.last_instant(datetime.combine(day, quiet.ends), own)


def spread(policy: Policy, until: datetime, customer_id: UUID) -> datetime:
    """When what was held for a customer leaves after the end of quiet hours: each their own moment, always the same."""
    if policy.quiet is None:
        return until
    most = min(_SPREAD, _open_for(policy.quiet) / 2)
    return until + timedelta(seconds=customer_id.int % max(int(most.total_seconds()), 1))


def after(policy: Policy, zone: str | None, begins: datetime, so_long: timedelta) -> datetime:
    """The instant by which so much time outside a customer's quiet hours has passed: a throttle that stands still in
    them, so that what they hold follows one after another and not at once."""
    if policy.quiet is None:
        return begins + so_long
    own, at = zones.of(zone), begins
    for _ in range(_MOST_DAYS):
        at = ends_at(policy.quiet, zone, at) or at
        quiet_from = _next(policy.quiet.begins, at, own)
        if at + so_long < quiet_from:
            break
        so_long -= quiet_from - at
        at = quiet_from
    return at + so_long


def _next(clock: time, at: datetime, own: ZoneInfo) -> datetime:
    """The next instant at which a clock shows a time, later than `at`."""
    local = at.astimezone(own)
    days = (0, 1, 2)
    instants = (zones.last_instant(datetime.combine(local.date() + timedelta(days=each), clock), own) for each in days)
    return next(instant for instant in instants if instant > at)


def _open_for(quiet: Quiet) -> timedelta:
    """How long a day is left to write in."""
    day = date(2026, 1, 1)
    left = datetime.combine(day, quiet.begins) - datetime.combine(day, quiet.ends)
    return left if left > timedelta(0) else left + timedelta(days=1)
