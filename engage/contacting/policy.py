"""The contact policy: quiet hours, frequency caps and the control group, one for the whole brand.

    {"quiet": {"from": "21:00", "to": "09:00", "channels": ["push", "sms"]},
     "caps": [{"channel": "any", "per": "day", "most": 2}, {"channel": "sms", "per": "week", "most": 1}],
     "control_bps": 200}

Each member may be left out: then there are no quiet hours, no caps, nobody in the control group.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from functools import lru_cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit
from core.db import connection_of
from core.notes import Notes
from engage.contacting.errors import PolicyChanged, PolicyInvalid
from engage.contacting.models import PolicyRevision

#: What can be kept quiet and capped.
CHANNELS = ("push", "sms", "whatsapp", "email", "inbox")
ANY = "any"
PERIODS = ("day", "week", "month")

MOST_CAPS = 20
MOST_MESSAGES = 1_000

_MEMBERS = frozenset(("quiet", "caps", "control_bps"))
_QUIET_MEMBERS = frozenset(("from", "to", "channels"))
_CAP_MEMBERS = frozenset(("channel", "per", "most"))
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\Z")


@dataclass(frozen=True, slots=True)
class Quiet:
    """From `begins` until before `ends` on the customer's own clock; over midnight where `ends` is the earlier."""

    begins: time
    ends: time
    channels: frozenset[str]


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `most` messages by one channel (or by any) in each day, week or month of the customer's own calendar."""

    channel: str
    per: str
    most: int

    @property
    def name(self) -> str:
        return f"{self.channel}:{self.per}"


@dataclass(frozen=True, slots=True)
class Policy:
    """revision: 0 where none was ever set.

    units  control_bps: basis points of all customers who get no marketing at all
    """

    revision: int = 0
    quiet: Quiet | None = None
    caps: tuple[Cap, ...] = ()
    control_bps: int = 0

    def caps_of(self, channel: str) -> tuple[Cap, ...]:
        return tuple(cap for cap in self.caps if cap.channel in (ANY, channel))


def current(session: Session) -> Policy:
    """The policy that holds. It is read each time: what staff just set holds for the very next message."""
    row = connection_of(session).execute(_NEWEST).fetchone()
    return _of_text(*row) if row else Policy()


_NEWEST = "SELECT revision, terms::text FROM engage.policy ORDER BY revision DESC LIMIT 1"


def put(session: Session, raw: dict[str, Any], *, revision: int, actor: str, now: datetime) -> PolicyRevision:
    """Let another policy hold from now on.

    revision  the one that the author has read (0: there was none), so that no two undo each other's work unseen
    raises    PolicyInvalid naming each fault; PolicyChanged when another one holds by now
    effects   audited
    """
    parse(raw, notes=Notes("/terms"))
    if current(session).revision != revision:
        raise PolicyChanged

    made = PolicyRevision(revision=revision + 1, terms=raw, made_by=actor, made_at=now)
    session.add(made)
    session.flush()
    audit.record(session, actor=actor, action="contact_policy.put", target="contact_policy", change=raw, now=now)
    return made


def newest(session: Session) -> PolicyRevision | None:
    """The policy as it was written; None where none was ever set."""
    return session.scalar(select(PolicyRevision).order_by(PolicyRevision.revision.desc()).limit(1))


def list_(session: Session, *, before: int | None, limit: int) -> Sequence[PolicyRevision]:
    """All that ever held, the newest first."""
    query = select(PolicyRevision).order_by(PolicyRevision.revision.desc()).limit(limit)
    return session.scalars(query if before is None else query.where(PolicyRevision.revision < before)).all()


def parse(raw: Any, *, revision: int = 0, notes: Notes | None = None) -> Policy:
    """raises  PolicyInvalid naming each fault"""
    notes = notes or Notes()
    given = notes.object_(raw, allowed=_MEMBERS)
    policy = Policy(
        revision=revision,
        quiet=_quiet(given["quiet"], notes.at("quiet")) if given.get("quiet") is not None else None,
        caps=_caps(given.get("caps", []), notes.at("caps")),
        control_bps=_whole(given.get("control_bps", 0), notes.at("control_bps"), least=0, most=5_000),
    )
    if notes.errors:
        raise PolicyInvalid(errors=notes.errors)
    return policy


@lru_cache(maxsize=8)
def _of_text(revision: int, terms: str) -> Policy:
    return parse(json.loads(terms), revision=revision)


def _quiet(raw: Any, notes: Notes) -> Quiet | None:
    given = notes.object_(raw, allowed=_QUIET_MEMBERS, required=frozenset(("from", "to")))
    begins, ends = (_time(given[name], notes.at(name)) if name in given else None for name in ("from", "to"))
    channels = given.get("channels", list(CHANNELS[:-1]))
    known = isinstance(channels, list) and all(name in CHANNELS[:-1] for name in channels)
    if not known or not 0 < len(channels) == len(set(channels)):
        notes.at("channels").say(f"Must be a list of channels, each once: {', '.join(CHANNELS[:-1])}.")
        channels = []
    if begins is None or ends is None:
        return None
    if begins == ends:
        notes.at("to").say("Must be another time than `from`: an hour of the day must be left to write in.")
    return Quiet(begins, ends, frozenset(channels))


def _caps(raw: Any, notes: Notes) -> tuple[Cap, ...]:
    if not isinstance(raw, list) or len(raw) > MOST_CAPS:
        notes.say(f"Must be a list of at most {MOST_CAPS} caps.")
        return ()
    caps = [_cap(item, notes.at(place)) for place, item in enumerate(raw)]
    for place, cap in enumerate(caps):
        if cap.name in [other.name for other in caps[:place]]:
            notes.at(place).say(f"There is a cap on {cap.channel} a {cap.per} already.")
    return tuple(caps)


def _cap(raw: Any, notes: Notes) -> Cap:
    given = notes.object_(raw, allowed=_CAP_MEMBERS, required=_CAP_MEMBERS)
    channel, per = given.get("channel"), given.get("per")
    if "channel" in given and channel not in (ANY, *CHANNELS):
        notes.at("channel").say(f"Must be one of: {', '.join((ANY, *CHANNELS))}.")
    if "per" in given and per not in PERIODS:
        notes.at("per").say(f"Must be one of: {', '.join(PERIODS)}.")
    most = _whole(given["most"], notes.at("most"), least=0, most=MOST_MESSAGES) if "most" in given else 0
    return Cap(str(channel), str(per), most)


def _whole(raw: Any, notes: Notes, *, least: int, most: int) -> int:
    if isinstance(raw, int) and not isinstance(raw, bool) and least <= raw <= most:
        return raw
    notes.say(f"Must be a whole number from {least} to {most}.")
    return least


def _time(raw: Any, notes: Notes) -> time | None:
    match = _TIME.match(raw) if isinstance(raw, str) else None
    if match is None:
        notes.say("Must be a time of day: 21:00.")
        return None
    return time(int(match[1]), int(match[2]))
