"""The worker's share of backtests: the log is read slot by slot, so all of a customer's events are at hand at once."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from core import ids, replays
from core.db import connection_of, statement, transaction
from core.events import LoggedEvent
from core.work import Work
from engage.backtests import confidence, reading, world
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
from wallet.assets import brand_time_zone

#: Customers who are looked up at a time.
_CHUNK = 500

#: Customers of an earlier try that are dropped at a time.
_DROPPED = 5_000

_Lives = Sequence[tuple[UUID, list[LoggedEvent]]]


def play_due(now: datetime) -> int:
    """Play the next backtest that waits, to its end."""
    return replays.play_next(Backtest, lambda mine: {"result": _result(mine, now=now)}, now=now)


WORK = [Work("engage.backtests", play_due)]


def _result(mine: Backtest, *, now: datetime) -> dict[str, Any]:
    drawn = graph.parse(mine.graph)
    version, spend = _version(mine, drawn)
    memory = Memory(_needs(drawn))
    play = Play(version, world.house(drawn), memory, Report(ZoneInfo(brand_time_zone())), mine.since, mine.until)
    names = {drawn.entry.event, *drawn.awaited, *memory.names}
    back = max([step.look_back for step in drawn.steps.values() if isinstance(step, Wait)], default=timedelta(0))
    since = min(mine.since - back, memory.since(mine.since, first=replays.EARLIEST))
    _begin_anew(mine)
    left_out: set[UUID] = set()
    for number in range(reading.SLOTS):
        lives = reading.slot(number, names=names, since=since, until=mine.until, left_out=left_out)
        for chunk in _chunks(life for life in lives if _may_enter(drawn, life[1], mine.since)):
            people = world.people_of(drawn, play.house, [one for one, _ in chunk], memory.needs, now=now)
            for customer_id, events in chunk:
                play.customer(customer_id, events, people)
            _keep(mine, play.report, number)
        _keep(mine, play.report, number + 1)
    trust = confidence.words(
        drawn, play.report, play.house, memory, since=mine.since, until=mine.until, left_out=len(left_out)
    )
    return play.report.as_json(play.house, spend=spend, trust=trust)


def _begin_anew(mine: Backtest) -> None:
    """Drop what an earlier try has kept, some thousands of customers a statement."""
    dropped = _DROPPED
    while dropped == _DROPPED:
        with statement() as connection:
            dropped = connection.execute(_DROP, [mine.id, _DROPPED]).rowcount


def _version(mine: Backtest, drawn: Graph) -> tuple[Version, Spend | None]:
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
    """So many customers, or with so many events that no more are held."""
    chunk: list[tuple[UUID, list[LoggedEvent]]] = []
    held = 0
    for life in lives:
        chunk.append(life)
        held += len(life[1])
        if len(chunk) == _CHUNK or held >= reading.MOST_HELD:
            yield chunk
            chunk, held = [], 0
    if chunk:
        yield chunk


def _keep(mine: Backtest, report: Report, slots: int) -> None:
    """Write who would have got what so far, and how far we have come.

    raises  replays.LeaseLost
    """
    rows, report.rows = report.rows, []
    with transaction() as session:
        connection = connection_of(session)
        replays.renew(session, mine, progress_bps=slots * 10_000 // reading.SLOTS)
        if rows:
            columns = [list(column) for column in zip(*rows, strict=True)]
            connection.execute(_KEEP, [mine.id, *columns])


_DROP = """
    DELETE FROM engage.backtest_customer
     WHERE ctid = ANY (ARRAY(SELECT ctid FROM engage.backtest_customer WHERE backtest_id = %s LIMIT %s))
"""

_KEEP = """
    INSERT INTO engage.backtest_customer (backtest_id, customer_id, entries, messages, vouchers, outcome)
    SELECT %s, * FROM unnest(%s::uuid[], %s::int[], %s::int[], %s::int[], %s::text[])
"""
