"""Replays: the past played again in the background, with no transaction open while it is played.

Each begins anew where the worker before it died: a year takes about a minute, and what half of it has found would have
to be kept, customers and counters included.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Mapped, Session

from core import clock, work
from core.db import transaction
from core.errors import InvalidInput, Refusal
from core.work import Due

LONGEST = timedelta(days=366)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)

# A page of the past takes about a second, on a machine that is too busy some twenty, and renews the lease.
_LEASE = timedelta(minutes=5)
_AGAIN_AFTER = timedelta(seconds=30)
_MOST_ATTEMPTS = 3

log = logging.getLogger("pocketful.replays")


class LeaseLost(Exception):
    """Another worker plays it now."""


class Replay(Due):
    """The columns of a replay over (since, until]. state: waiting, running, done or failed."""

    since: Mapped[datetime]
    until: Mapped[datetime]
    progress_bps: Mapped[int]
    ended_at: Mapped[datetime | None]


def check_span(since: datetime, until: datetime, *, now: datetime) -> None:
    """raises  InvalidInput naming what is wrong with it"""
    if since < EARLIEST:
        raise InvalidInput(errors=[{"pointer": "/since", "detail": f"Must not lie before {EARLIEST:%Y-%m-%d}"}])
    if not since < until <= now or until - since > LONGEST:
        detail = "Must lie after since, at most 366 days after it, and not in the future"
        raise InvalidInput(errors=[{"pointer": "/until", "detail": detail}])


def unfinished(session: Session, model: type[Replay], of_it: ColumnElement[bool]) -> tuple[int, int]:
    """How many are not finished of those that `of_it` means, and how many of all."""
    query = select(func.count().filter(of_it), func.count())
    found = session.execute(query.where(or_(model.due_at.is_not(None), model.lease_token.is_not(None)))).one()
    return found[0], found[1]


def play_next(model: type[Replay], play: Callable[[Any], Mapping[str, Any]], *, now: datetime) -> int:
    """Play the next one that waits, to its end; says how many that were.

    play     takes the row and gives the columns of what was found; it calls `renew` now and then
    effects  what went wrong is kept with the row, which is tried again until it has failed often enough
    """
    with transaction() as session:
        for lost in work.lost_leases(session, model, leased="running", limit=10, now=now):
            lost.lease_token = lost.lease_until = None
            lost.last_error = "lost with its worker"
            if lost.attempts < _MOST_ATTEMPTS:
                lost.state, lost.due_at = "waiting", now
            else:
                lost.state, lost.due_at, lost.ended_at = "failed", None, now
    with transaction() as session:
        _, claimed = work.claim(session, model, waiting="waiting", leased="running", limit=1, lease=_LEASE, now=now)
    for mine in claimed:
        _play(model, play, mine, now=now)
    return len(claimed)


def renew(session: Session, mine: Replay, *, progress_bps: int) -> None:
    """Keep how far it has come, and the lease for as long again.

    raises  LeaseLost
    """
    model = type(mine)
    kept = (
        update(model)
        .where(model.id == mine.id, model.lease_token == mine.lease_token)
        .values(progress_bps=progress_bps, lease_until=clock.now() + _LEASE)
        .returning(model.id)
    )
    if session.execute(kept).first() is None:
        raise LeaseLost


def _play(model: type[Replay], play: Callable[[Any], Mapping[str, Any]], mine: Replay, *, now: datetime) -> None:
    assert mine.lease_token is not None, "it was claimed"
    try:
        found = play(mine)
    except LeaseLost:
        return
    except Exception as error:
        log.exception("%s %s failed", model.__name__.lower(), mine.id)
        told = error.code if isinstance(error, Refusal) else type(error).__name__
        again: dict[str, Any] = {"state": "waiting", "due_at": now + _AGAIN_AFTER}
        over: dict[str, Any] = {"state": "failed", "due_at": None, "ended_at": clock.now()}
        ended = over if mine.attempts >= _MOST_ATTEMPTS else again
        with transaction() as session:
            work.settle(session, model, mine.id, mine.lease_token, last_error=told, **ended)
        return
    done = {"state": "done", "due_at": None, "progress_bps": 10_000, "ended_at": clock.now(), "last_error": None}
    with transaction() as session:
        work.settle(session, model, mine.id, mine.lease_token, **{**found, **done})
