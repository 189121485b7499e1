"""The worker's share of simulations: past baskets, played as if the campaign had run."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from core import replays
from core.db import connection_of, statement, transaction
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
from rewards.terms import Terms
from wallet.assets import brand_time_zone
from wallet.paying.tills import Till


def play_due(now: datetime) -> int:
    """Play the next simulation that waits, to its end."""
    return replays.play_next(Simulation, _found, now=now)


def _found(mine: Simulation) -> dict[str, Any]:
    revision, result = _result(mine)
    return {"revision": revision, "result": result}


def _result(mine: Simulation) -> tuple[int, dict[str, Any]]:
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


def _play_orders(play: Play, mine: Simulation, needs: set[Need]) -> None:
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


def _pages(mine: Simulation, memory: Memory) -> Iterator[list[Order]]:
    """The orders, and after each page how far they have come.

    raises  replays.LeaseLost
    """
    begin = memory.since(mine.since, first=replays.EARLIEST)
    for page in orders.pages(since=begin, until=mine.until):
        yield page
        done = max(0, int((page[-1].at - mine.since) / (mine.until - mine.since) * 10_000))
        with transaction() as session:
            replays.renew(session, mine, progress_bps=done)


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


WORK = [Work("rewards.simulations", play_due)]
