"""The worker's share of simulations: claimed under a lease, with no transaction open while the past is played.

Each begins anew with the first basket where the worker before it died: a year takes half a minute, and what half of it
has found would have to be kept, customers and counters included.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from core import clock, work
from core.db import connection_of, statement, transaction
from core.errors import Refusal
from core.money import SANDBOX
from core.work import Work
from rewards import terms
from rewards.campaigns import catalogue
from rewards.campaigns.catalogue import Compiled
from rewards.models import Campaign
from rewards.offers import shelf
from rewards.rules import Bought, Facts, Need
from rewards.rules.loading import load_many
from rewards.simulation import confidence, orders
from rewards.simulation.memory import Memory
from rewards.simulation.models import Simulation
from rewards.simulation.orders import Order
from rewards.simulation.playing import Play, Rivals
from rewards.simulation.runs import EARLIEST
from rewards.terms import Terms
from wallet.assets import brand_time_zone
from wallet.paying.tills import Till

# A page of orders takes about a second, on a machine that is too busy some twenty, and renews the lease.
_LEASE = timedelta(minutes=5)
_AGAIN_AFTER = timedelta(seconds=30)
_MOST_ATTEMPTS = 3

log = logging.getLogger("pocketful.simulations")


class _LeaseLost(Exception):
    """Another worker plays this simulation now."""


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A simulation that is ours as long as its token stands in its row; attempt: how often it was begun by now."""

    id: UUID
    token: UUID
    attempt: int
    campaign_id: UUID
    since: datetime
    until: datetime
    take_up_bps: int
    budget_minor: int | None


def play_due(now: datetime) -> int:
    """Play the next simulation that waits, to its end."""
    with transaction() as session:
        for lost in work.lost_leases(session, Simulation, leased="running", limit=10, now=now):
            lost.lease_token = lost.lease_until = None
            lost.last_error = "lost with its worker"
            if lost.attempts < _MOST_ATTEMPTS:
                lost.state, lost.due_at = "waiting", now
            else:
                lost.state, lost.due_at, lost.ended_at = "failed", None, now
    with transaction() as session:
        token, rows = work.claim(
            session, Simulation, waiting="waiting", leased="running", limit=1, lease=_LEASE, now=now
        )
        claimed = [
            _Claimed(
                row.id, token, row.attempts, row.campaign_id, row.since, row.until, row.take_up_bps, row.budget_minor
            )
            for row in rows
        ]
    for each in claimed:
        _play(each, now=now)
    return len(claimed)


def _play(mine: _Claimed, *, now: datetime) -> None:
    """effects  what went wrong is kept with the simulation, which is tried again until it has failed often enough"""
    try:
        revision, result = _result(mine)
    except _LeaseLost:
        return
    except Exception as error:
        is_last = mine.attempt >= _MOST_ATTEMPTS
        log.exception("simulation %s failed", mine.id)
        told = error.code if isinstance(error, Refusal) else type(error).__name__
        again: dict[str, Any] = {"state": "waiting", "due_at": now + _AGAIN_AFTER}
        over: dict[str, Any] = {"state": "failed", "due_at": None, "ended_at": clock.now()}
        with transaction() as session:
            work.settle(session, Simulation, mine.id, mine.token, last_error=told, **(over if is_last else again))
        return
    with transaction() as session:
        done = {"state": "done", "due_at": None, "progress_bps": 10_000, "ended_at": clock.now()}
        work.settle(session, Simulation, mine.id, mine.token, result=result, revision=revision, last_error=None, **done)


def _result(mine: _Claimed) -> tuple[int, dict[str, Any]]:
    """The revision that was played, and what was found."""
    with transaction() as session:
        connection = connection_of(session)
        (compiled,) = catalogue.compile_(connection, [terms.load_one(session, mine.campaign_id)])
        rivals = [each for each in catalogue.current(connection).running if _is_rival(each, compiled.terms)]
    play = Play(compiled, mine.budget_minor, mine.take_up_bps, Rivals(rivals), ZoneInfo(brand_time_zone()))
    _play_orders(play, mine, _needs([compiled, *rivals]))
    with transaction() as session:
        named = select(Campaign.id, Campaign.name).where(
            Campaign.id.in_([each for each, _ in play.report.most_overlapping])
        )
        names = {row.id: row.name for row in session.execute(named)}
    trust = confidence.words(play.report, compiled.terms, since=mine.since, until=mine.until, needs=_needs([compiled]))
    result = play.report.as_json(
        currency=compiled.terms.currency, budget_minor=mine.budget_minor, names=names, confidence=trust
    )
    return compiled.terms.revision, result


def _play_orders(play: Play, mine: _Claimed, needs: set[Need]) -> None:
    memory = Memory(needs)
    is_of_sandbox = play.compiled.terms.currency == SANDBOX
    for page in _pages(mine, memory):
        # What integrators of tills try out is nobody's shopping.
        real = [order for order in page if (order.currency == SANDBOX) is is_of_sandbox]
        told = {order.id: _facts(order) for order in real if order.at > mine.since}
        with statement() as connection:
            load_many(connection, _read(needs), list(told.values()))
        for order in real:
            if order.id in told:
                facts = told[order.id]
                memory.tell(facts)
                play.take(order, facts)
            memory.keep(order)


def _pages(mine: _Claimed, memory: Memory) -> Iterator[list[Order]]:
    """The orders, and after each page how far they have come.

    raises  _LeaseLost
    """
    begin = memory.since(mine.since, first=EARLIEST)
    for page in orders.pages(since=begin, until=mine.until):
        yield page
        done = max(0, int((page[-1].at - mine.since) / (mine.until - mine.since) * 10_000))
        with statement() as connection:
            kept = connection.execute(_PROGRESS, [done, clock.now() + _LEASE, mine.id, mine.token]).rowcount
        if not kept:
            raise _LeaseLost


def _is_rival(other: Compiled, of: Terms) -> bool:
    """Whether a running coupon may be used while this campaign runs."""
    theirs = other.terms
    meet = theirs.starts_at < of.ends_at and of.starts_at < theirs.ends_at
    return meet and shelf.is_offered(other) and theirs.campaign_id != of.campaign_id


def _facts(order: Order) -> Facts:
    # Which terminal it was is no fact that a rule can ask for.
    till = Till(merchant_id=order.merchant_id, store_id=order.store_id, terminal_id=order.store_id)
    return Facts(basket=order.basket, at=order.at, currency=order.currency, customer_id=order.customer_id, till=till)


def _needs(campaigns: list[Compiled]) -> set[Need]:
    found: set[Need] = set().union(*[each.rule.needs for each in campaigns if each.rule])
    return found | ({"audiences"} if any(each.terms.audience_id for each in campaigns) else set())


def _read(needs: set[Need]) -> set[Need]:
    """What is read for each page: what is remembered is not."""
    return {need for need in needs if need != "history" and not isinstance(need, Bought)}


_PROGRESS = """
    UPDATE rewards.simulation SET progress_bps = %s, lease_until = %s WHERE id = %s AND lease_token = %s
"""

WORK = [Work("rewards.simulations", play_due)]
