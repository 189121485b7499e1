"""Quiet hours: on the customer's own clock, not ours.

What falls into them is held until they end or is left out: the journey's choice. What a customer's own deed brings
about (transactional) passes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from engage.contacting import zones
from engage.contacting.policy import Policy, Quiet

Mode = Literal["hold", "skip", "pass"]
MODES = ("hold", "skip", "pass")


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
    if policy.quiet is None or mode == "pass" or not (channel is None or channel in policy.quiet.channels):
        return Now()
    until = ends_at(policy.quiet, zone, at)
    if until is None:
        return Now()
    return Skip() if mode == "skip" else Hold(until)


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
