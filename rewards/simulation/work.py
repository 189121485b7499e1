"""Simulations as due work: one at a time under a lease, with no transaction open while the past is played."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from core import clock, work
from core.db import connection_of, statement, transaction
from core.work import Work
from rewards import terms
from rewards.campaigns import catalogue
from rewards.campaigns.catalogue import Compiled
from rewards.models import Campaign
from rewards.offers import shelf
from rewards.rules import Bought, Facts, Need
from rewards.rules.loading import load_many
from rewards.simulation import orders
from rewards.simulation.memory import Memory
from rewards.simulation.models import Simulation
from rewards.simulation.orders import Order
from rewards.simulation.playing import Play, Rivals
from wallet.assets import brand_time_zone
from wallet.paying.tills import Till

# A page of orders takes about a second, and renews the lease.
_LEASE = timedelta(minutes=2)
_MOST_ATTEMPTS = 3
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


class _LeaseLost(Exception):
    """Another worker plays this simulation now."""


def play_due(now: datetime) -> int:
    """Play the next simulation that waits, to its end."""
    with transaction() as session:
        for lost in work.lost_leases(session, Simulation, leased="running", limit=10, now=now):
            lost.lease_token = lost.lease_until = None
            lost.state, lost.due_at = ("waiting", now) if lost.attempts < _MOST_ATTEMPTS else ("failed", None)
    with transaction() as session:
        token, rows = work.claim(
            session, Simulation, waiting="waiting", leased="running", limit=1, lease=_LEASE, now=now
        )
        claimed = [(row.id, row.campaign_id, row.since, row.until, row.take_up_bps) for row in rows]
    for simulation_id, *asked in claimed:
        try:
            result = _result(simulation_id, token, *asked)
        except _LeaseLost:
            continue
        with transaction() as session:
            done = {"state": "done", "due_at": None, "progress_bps": 10_000, "result": result, "ended_at": clock.now()}
            work.settle(session, Simulation, simulation_id, token, **done)
    return len(claimed)


def _result(
    simulation_id: UUID, token: UUID, campaign_id: UUID, since: datetime, until: datetime, take_up_bps: int
) -> dict[str, object]:
    with transaction() as session:
        connection = connection_of(session)
        (compiled,) = catalogue.compile_(connection, [terms.load_one(session, campaign_id)])
        running = catalogue.current(connection).running
        rivals = [each for each in running if shelf.is_offered(each) and each.terms.campaign_id != campaign_id]
        budget_minor = session.get_one(Campaign, campaign_id).funded_minor
    play = Play(compiled, budget_minor, Rivals(rivals), ZoneInfo(brand_time_zone()))
    needs = _needs([compiled, *rivals])
    memory = Memory(needs)
    for page in _pages(simulation_id, token, memory, since=since, until=until):
        told = [(order, _facts(order)) for order in page if order.at > since]
        with statement() as connection:
            load_many(connection, _read(needs), [facts for _, facts in told])
        played = dict(zip([id(order) for order, _ in told], told, strict=True))
        for order in page:
            if id(order) in played:
                facts = played[id(order)][1]
                memory.tell(facts)
                play.take(order, facts)
            memory.keep(order)
    with transaction() as session:
        named = select(Campaign.id, Campaign.name).where(Campaign.id.in_(play.report.overlaps))
        names = {row.id: row.name for row in session.execute(named)}
    return play.report.as_json(currency=compiled.terms.currency, take_up_bps=take_up_bps, names=names)


def _pages(
    simulation_id: UUID, token: UUID, memory: Memory, *, since: datetime, until: datetime
) -> Iterator[list[Order]]:
    """The orders, and after each page how far they have come.

    raises  _LeaseLost
    """
    begin = memory.since(since, first=_FIRST)
    for page in orders.pages(since=begin, until=until):
        yield page
        done = max(0, int((page[-1].at - since) / (until - since) * 10_000))
        with statement() as connection:
            kept = connection.execute(_PROGRESS, [done, clock.now() + _LEASE, simulation_id, token]).rowcount
        if not kept:
            raise _LeaseLost


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
