"""The worker's share of backtests: claimed under a lease, with no transaction open while the past is played.

The log is read slot by slot, so that all of a customer's events are at hand at once. Each begins anew with the first
slot where the worker before it died: a year takes a minute.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from core import clock, ids, work
from core.db import connection_of, statement, transaction
from core.errors import Refusal
from core.events import LoggedEvent
from core.work import Work
from engage.backtests import confidence, reading, world
from engage.backtests.asking import EARLIEST
from engage.backtests.memory import Memory
from engage.backtests.models import Backtest
from engage.backtests.playing import Play
from engage.backtests.report import Report
from engage.journeys import graph, spending
from engage.journeys.graph import Graph
from engage.journeys.models import Journey
from engage.journeys.spending import Spend
from engage.journeys.versions import Version
from engage.steps import Wait
from engage.steps.branch import BranchOff
from insights.segments.facts import Need
from wallet.assets import brand_currency, brand_time_zone

# A chunk of customers takes about a second, on a machine that is too busy some twenty, and renews the lease.
_LEASE = timedelta(minutes=5)
_AGAIN_AFTER = timedelta(seconds=30)
_MOST_ATTEMPTS = 3

#: Customers who are looked up at a time.
_CHUNK = 500

log = logging.getLogger("pocketful.backtests")

_Lives = Sequence[tuple[UUID, list[LoggedEvent]]]


class _LeaseLost(Exception):
    """Another worker plays this backtest now."""


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A backtest that is ours as long as its token stands in its row; attempt: how often it was begun by now."""

    id: UUID
    token: UUID
    attempt: int
    journey_id: UUID
    raw_graph: dict[str, Any]
    since: datetime
    until: datetime


def play_due(now: datetime) -> int:
    """Play the next backtest that waits, to its end."""
    with transaction() as session:
        for lost in work.lost_leases(session, Backtest, leased="running", limit=10, now=now):
            lost.lease_token = lost.lease_until = None
            lost.last_error = "lost with its worker"
            if lost.attempts < _MOST_ATTEMPTS:
                lost.state, lost.due_at = "waiting", now
            else:
                lost.state, lost.due_at, lost.ended_at = "failed", None, now
    with transaction() as session:
        token, rows = work.claim(session, Backtest, waiting="waiting", leased="running", limit=1, lease=_LEASE, now=now)
        claimed = [
            _Claimed(row.id, token, row.attempts, row.journey_id, row.graph, row.since, row.until) for row in rows
        ]
    for each in claimed:
        _play(each, now=now)
    return len(claimed)


WORK = [Work("engage.backtests", play_due)]


def _play(mine: _Claimed, *, now: datetime) -> None:
    """effects  what went wrong is kept with the backtest, which is tried again until it has failed often enough"""
    try:
        result = _result(mine, now=now)
    except _LeaseLost:
        return
    except Exception as error:
        is_last = mine.attempt >= _MOST_ATTEMPTS
        log.exception("backtest %s failed", mine.id)
        told = error.code if isinstance(error, Refusal) else type(error).__name__
        again: dict[str, Any] = {"state": "waiting", "due_at": now + _AGAIN_AFTER}
        over: dict[str, Any] = {"state": "failed", "due_at": None, "ended_at": clock.now()}
        with transaction() as session:
            work.settle(session, Backtest, mine.id, mine.token, last_error=told, **(over if is_last else again))
        return
    with transaction() as session:
        done = {"state": "done", "due_at": None, "progress_bps": 10_000, "ended_at": clock.now()}
        work.settle(session, Backtest, mine.id, mine.token, result=result, last_error=None, **done)


def _result(mine: _Claimed, *, now: datetime) -> dict[str, Any]:
    drawn = graph.parse(mine.raw_graph)
    version, spend = _version(mine, drawn)
    memory = Memory(_needs(drawn))
    play = Play(version, world.house(drawn), memory, Report(ZoneInfo(brand_time_zone())), mine.since, mine.until)
    names = {drawn.entry.event, *drawn.awaited, *memory.names}
    back = max([step.look_back for step in drawn.steps.values() if isinstance(step, Wait)], default=timedelta(0))
    since = min(mine.since - back, memory.since(mine.since, first=EARLIEST))
    with statement() as connection:
        connection.execute("DELETE FROM engage.backtest_customer WHERE backtest_id = %s", [mine.id])
    for number in range(reading.SLOTS):
        lives = reading.slot(number, names=names, since=since, until=mine.until)
        for chunk in _chunks(life for life in lives if _may_enter(drawn, life[1], mine.since)):
            people = world.people_of(drawn, play.house, [one for one, _ in chunk], memory.needs, now=now)
            for customer_id, events in chunk:
                play.customer(customer_id, events, people)
            _keep(mine, play.report, number)
        _keep(mine, play.report, number + 1)
    trust = confidence.words(drawn, play.report, play.house, memory, since=mine.since, until=mine.until)
    return play.report.as_json(play.house, spend=spend, currency=brand_currency(), trust=trust)


def _version(mine: _Claimed, drawn: Graph) -> tuple[Version, Spend | None]:
    """The graph as if it had been published at the beginning of the span."""
    with transaction() as session:
        journey = session.get_one(Journey, mine.journey_id)
        version = Version(
            id=ids.new(),
            journey_id=journey.id,
            status="live",
            holdout_bps=journey.holdout_bps,
            is_entered=True,
            opened_at=mine.since,
            graph=drawn,
        )
        return version, spending.of(journey.spend)


def _needs(drawn: Graph) -> set[Need]:
    branches = [step.needs for step in drawn.steps.values() if isinstance(step, BranchOff)]
    return set().union(*branches, drawn.audience.needs if drawn.audience else ())


def _may_enter(drawn: Graph, events: Sequence[LoggedEvent], since: datetime) -> bool:
    entry = drawn.entry.happening
    return any(one.name == entry.event and one.occurred_at > since and entry.where(one.payload) for one in events)


def _chunks(lives: Iterator[tuple[UUID, list[LoggedEvent]]]) -> Iterator[_Lives]:
    while chunk := list(islice(lives, _CHUNK)):
        yield chunk


def _keep(mine: _Claimed, report: Report, slots: int) -> None:
    """Write who would have got what so far, and how far we have come.

    raises  _LeaseLost
    """
    rows, report.rows = report.rows, []
    with transaction() as session:
        connection = connection_of(session)
        done = [slots * 10_000 // reading.SLOTS, clock.now() + _LEASE, mine.id, mine.token]
        if not connection.execute(_PROGRESS, done).rowcount:
            raise _LeaseLost
        if rows:
            columns = [list(column) for column in zip(*rows, strict=True)]
            connection.execute(_KEEP, [mine.id, *columns])


_PROGRESS = """
    UPDATE engage.backtest SET progress_bps = %s, lease_until = %s WHERE id = %s AND lease_token = %s
"""

_KEEP = """
    INSERT INTO engage.backtest_customer (backtest_id, customer_id, entries, messages, vouchers, outcome)
    SELECT %s, * FROM unnest(%s::uuid[], %s::int[], %s::int[], %s::int[], %s::text[])
"""
