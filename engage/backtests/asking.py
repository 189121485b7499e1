"""Backtests as they are asked for and looked at."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit, ids, replays
from core.errors import NotFound
from engage import journeys
from engage.backtests.errors import BacktestRefused
from engage.backtests.models import Backtest, BacktestCustomer
from engage.journeys import graph
from engage.journeys.models import Journey, JourneyVersion

#: A year takes a worker a minute, and others wait meanwhile. Who asks at the same moment may pass these by one.
MOST_UNFINISHED, MOST_OF_ALL = 4, 100


def ask(
    session: Session,
    *,
    journey_id: UUID,
    raw_graph: dict[str, Any] | None,
    since: datetime,
    until: datetime,
    actor: str,
    now: datetime,
) -> Backtest:
    """Have a journey played over the events in (since, until] by the next free worker.

    raw_graph  what to play; None: its draft, or its live version where it has none
    raises     NotFound; JourneyInvalid naming each fault; BacktestRefused for a journey that nobody has drawn yet and
               for one that waits often enough; InvalidInput for the span
    effects    an audit row
    """
    journey = journeys.find(session, journey_id)
    replays.check_span(since, until, now=now)
    raw = raw_graph or journey.draft or _live(session, journey)
    if raw is None:
        raise BacktestRefused("Nobody has drawn it yet: send a graph")
    graph.parse(raw, pointer="/graph")
    of_it, of_all = replays.unfinished(session, Backtest, Backtest.journey_id == journey_id)
    if of_it >= MOST_UNFINISHED:
        raise BacktestRefused(f"{MOST_UNFINISHED} backtests of it are not finished yet: wait for one of them")
    if of_all >= MOST_OF_ALL:
        raise BacktestRefused(f"{MOST_OF_ALL} backtests are not finished yet: ask again later")

    backtest = Backtest(
        id=ids.new(),
        journey_id=journey_id,
        graph=raw,
        since=since,
        until=until,
        progress_bps=0,
        created_by=actor,
        created_at=now,
        state="waiting",
        due_at=now,
        attempts=0,
    )
    session.add(backtest)
    change = {"since": since.isoformat(), "until": until.isoformat()}
    audit.record(
        session, actor=actor, action="journey.backtest", target=f"journey:{journey_id}", change=change, now=now
    )
    return backtest


def find(session: Session, backtest_id: UUID) -> Backtest:
    """raises  NotFound"""
    backtest = session.get(Backtest, backtest_id)
    if backtest is None:
        raise NotFound("There is no such backtest")
    return backtest


def page(session: Session, journey_id: UUID, *, before: UUID | None, limit: int) -> list[Backtest]:
    """A journey's backtests, the latest first.

    raises  NotFound
    """
    journeys.find(session, journey_id)
    query = select(Backtest).where(Backtest.journey_id == journey_id).order_by(Backtest.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Backtest.id < before)
    return list(session.scalars(query))


def customers(session: Session, backtest_id: UUID, *, after: UUID | None, limit: int) -> Sequence[BacktestCustomer]:
    """Who would have got what, by their ids."""
    query = select(BacktestCustomer).where(BacktestCustomer.backtest_id == backtest_id)
    if after is not None:
        query = query.where(BacktestCustomer.customer_id > after)
    return session.scalars(query.order_by(BacktestCustomer.customer_id).limit(limit)).all()


def _live(session: Session, journey: Journey) -> dict[str, Any] | None:
    version = session.get(JourneyVersion, journey.live_version_id) if journey.live_version_id else None
    return version.graph if version else None
