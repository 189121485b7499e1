"""What the journeys caused, beside what is known to be true.

Nobody of 2017 could answer them, so the truth is nothing: the real run is an A/A test. A second run plants an effect of
a known size in the same outcomes, seeded by household, so that there is something to find; it is labelled *simulated*.
Both are looked at on every day, and it is counted on how many of them the interval missed the truth.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from app.demo import windows
from app.demo.lifecycle import Lifecycle
from app.demo.source_files import Window
from app.demo.telling import Section, money
from core.db import connection_of, transaction
from engage.backtests import asking
from engage.backtests import work as backtests
from engage.results import effects, plans, report, telling
from engage.results.models import EffectPlan
from engage.results.plans import ALPHA
from insights.statistics import samples, sequences
from insights.statistics.sequences import Interval

#: What half of those treated spend more in the run with an effect.
PLANTED_MINOR = 120_00
_TRUTH_MINOR = PLANTED_MINOR // 2


class BacktestFailed(Exception):
    """The backtest came to no result."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """One customer who entered; minor: what they spent in their window, bounded."""

    customer_id: UUID
    is_held: bool
    ripe_at: datetime
    minor: int


@dataclass(frozen=True, slots=True)
class _Run:
    """One experiment, looked at daily: how often, how often the truth lay outside, and the last look."""

    looks: int
    missed: int
    treated: int
    held: int
    last: Interval | None


def told(lifecycle: Lifecycle, households: Mapping[UUID, int], window: Window, *, ends: datetime) -> list[Section]:
    """The results of both journeys, and what they are said to have caused."""
    named = (("cross-sell", lifecycle.cross_sell_id), ("win-back", lifecycle.win_back_id))
    rows, effects_of, notes = [], [], []
    for name, journey_id in named:
        rows.append(_brought(name, journey_id))
        found, plan = _outcomes(journey_id)
        for kind, truth, spent in _kinds(households):
            run = _looked_at(found, plan, spent, truth, window)
            effects_of.append(_row(name, kind, truth, run, plan.currency))
        notes.append(f"{name}: {_said(journey_id, ends)}")
    return [_results(rows), _effects(effects_of, notes)]


def backtest(lifecycle: Lifecycle, window: Window, *, actor: str, ends: datetime) -> Section:
    """The third journey, played over the days that have been; nothing of it is sent.

    raises  BacktestFailed
    """
    since, _ = windows.bounds(window)
    one = timedelta(microseconds=1)
    with transaction() as session:
        asked = asking.ask(
            session,
            journey_id=lifecycle.lapsing_id,
            raw_graph=None,
            since=since - one,
            until=ends - one,
            actor=actor,
            now=ends,
        )
        backtest_id = asked.id
    backtests.play_due(ends)
    with transaction() as session:
        played = asking.find(session, backtest_id)
        if played.result is None:
            raise BacktestFailed(f"the backtest is {played.state}: {played.last_error}")
        return _backtested(played.result)


def _brought(name: str, journey_id: UUID) -> list[str]:
    with transaction() as session:
        found = report.of(session, "journey", journey_id, since=None, until=None)
    entered = {arm: row.counts["entered"] for arm, row in found.arms.items()}
    total = found.total
    return [
        name,
        f"{total.counts['entered']:,}",
        f"{entered.get('holdout', 0):,}",
        f"{total.counts['issued']:,}",
        f"{total.counts['sent']:,}",
        f"{total.counts['converted']:,}",
        f"{total.counts['redeemed']:,}",
        money(total.cost_minor(found.currency)),
    ]


def _outcomes(journey_id: UUID) -> tuple[list[_Outcome], EffectPlan]:
    with transaction() as session:
        plan = plans.of(session, "journey", journey_id)
        assert plan is not None, "the plan was fixed as the journey was published"
        rows = connection_of(session).execute(_OUTCOMES, [plan.bound_minor, plan.bound_minor, journey_id])
        return [_Outcome(*row) for row in rows], plan


#: What a customer counts for, with their number.
_Spent = Callable[[_Outcome], int]


def _kinds(households: Mapping[UUID, int]) -> Iterator[tuple[str, int, _Spent]]:
    yield "as it was (A/A)", 0, lambda one: one.minor
    yield "an effect planted (simulated)", _TRUTH_MINOR, lambda one: one.minor + _planted(one, households)


def _planted(one: _Outcome, households: Mapping[UUID, int]) -> int:
    """The same on every run: half of those treated spend so much more."""
    if one.is_held:
        return 0
    return PLANTED_MINOR * Random(f"pocketful demo/planted/{households[one.customer_id]}").randrange(2)


def _looked_at(found: Sequence[_Outcome], plan: EffectPlan, spent: _Spent, truth: int, window: Window) -> _Run:
    waiting = sorted(found, key=lambda one: one.ripe_at, reverse=True)
    treated = held = samples.of(())
    looks, missed, last = 0, 0, None
    for day in _days(window):
        ripe: list[_Outcome] = []
        while waiting and waiting[-1].ripe_at <= windows.midnight(day + timedelta(days=1)):
            ripe.append(waiting.pop())
        treated += samples.of(spent(one) for one in ripe if not one.is_held)
        held += samples.of(spent(one) for one in ripe if one.is_held)
        last = sequences.difference(treated, held, alpha=ALPHA, planned=plan.customers)
        looks += last is not None
        missed += last is not None and not last.covers(truth)
    return _Run(looks, missed, treated.count, held.count, last)


def _days(window: Window) -> Iterator[date]:
    day = window.first
    while day <= window.last:
        yield day
        day += timedelta(days=1)


def _row(name: str, kind: str, truth: int, run: _Run, currency: str) -> list[str]:
    shown = f"{money(round(run.last.low))} to {money(round(run.last.high))}" if run.last else "too few to tell"
    numbers = [f"{number:,}" for number in (run.treated, run.held, run.looks, run.missed)]
    return [f"{name}, {kind}", money(truth), shown, *numbers]


def _said(journey_id: UUID, ends: datetime) -> str:
    """In the words that staff read at the API."""
    with transaction() as session:
        found = effects.of(session, "journey", journey_id, message_cost_minor=0, now=ends)
        shown: dict[str, Any] = telling.effects(found)
    ratio = shown["sample_ratio"]
    planned = "not as planned" if ratio["is_alarming"] else "as planned"
    return f"{shown['revenue']['words']} The arms are {ratio['treated']:,} and {ratio['held_out']:,}, {planned}."


def _results(rows: Sequence[Sequence[str]]) -> Section:
    return Section(
        title="Cross-sell and win-back",
        words="Two ready-made journeys ran on the real days: for who bought bread and never anything to put on it,\n"
        "and for who had not bought for a while. A fifth of each is held out, the same households whenever they enter.",
        headings=("journey", "entered", "held out", "vouchers", "messages", "reached the goal", "redeemed", "cost"),
        rows=rows,
        notes=("Messages went to the sandbox. Nobody of 2017 could answer, so no voucher of these was redeemed.",),
    )


def _effects(rows: Sequence[Sequence[str]], notes: Sequence[str]) -> Section:
    return Section(
        title="What they caused",
        words="Revenue a customer within the window after entering, treated less held out, by an interval that may be\n"
        "looked at every day. The truth is known: nothing, and where an effect was planted, so much.",
        headings=("", "truth", "interval at the end", "treated", "held out", "daily looks", "truth missed on"),
        rows=rows,
        notes=(
            f"Planted: half of those treated, drawn by household, spend {money(PLANTED_MINOR)} more. No order is "
            "changed: it is added where the effect is reckoned.",
            *notes,
        ),
    )


def _backtested(result: Mapping[str, Any]) -> Section:
    busiest = max(result["days"], key=lambda day: day["entries"], default={"date": "no day", "entries": 0})
    most = max((each["messages"] for each in result["messages_a_person"]), default=0)
    channels = [f"{each['messages']:,} by {each['channel']}" for each in result["messages_by_channel"]]
    skipped = [f"{each['code']} {each['messages']:,}" for each in result["skipped"]]
    return Section(
        title="A third journey, backtested",
        words="“Lapsing voucher” tells those whose voucher ends within three days. It was drawn and not published:\n"
        "the backtest plays it over the days that have been, by the same engine, and sends nothing.",
        headings=("", "foretold"),
        rows=[
            ("customers who would have entered", f"{result['customers']:,}"),
            ("entries", f"{result['entries']:,}"),
            ("messages", f"{result['messages']:,}"),
            ("the most that one customer gets", f"{most:,}"),
            ("busiest day", f"{busiest['date']}, {busiest['entries']:,} entries"),
        ],
        notes=(
            f"Messages: {', '.join(channels) or 'none'}. Not sent: {', '.join(skipped) or 'none'}.",
            f"How far to trust it: {result['confidence']['word']}. {' '.join(result['confidence']['because'])}",
        ),
    )


_OUTCOMES = """
    SELECT customer_id, arm = 'holdout', ripe_at,
           greatest(least(revenue_minor - refunded_minor, %s), -%s)
      FROM engage.outcome WHERE scope = 'journey' AND scope_id = %s AND arm <> 'control'
     ORDER BY ripe_at, customer_id
"""
