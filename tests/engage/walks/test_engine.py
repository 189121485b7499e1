"""The engine by itself: no database, no clock, no chance; the edges of waits, goals and exits to the microsecond."""

import ast
import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import engage.walks
from core import ids
from core.events import LoggedEvent
from engage.journeys import graph
from engage.journeys.versions import Version
from engage.steps import AskVoucher
from engage.walks import engine
from engage.walks.effects import Asked, AskPast, Effects, Given, Noted, Past, Refused
from engage.walks.walk import Walk
from tests.engage.conftest import drawn, gift, wait

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DAY, HOUR, MOMENT = timedelta(days=1), timedelta(hours=1), timedelta(microseconds=1)
ORDER = "order.completed"
WHO = ids.new()


def event(at: datetime, *, name: str = ORDER, **payload: Any) -> LoggedEvent:
    return LoggedEvent(
        ids.new(), 0, 0, 0, 0, name, WHO, None, at, at, "test", None, 0, None, payload
    )  # fmt: skip


def effects_of(raw: dict[str, Any], *, now: datetime = NOON) -> Effects:
    version = Version(ids.new(), ids.new(), "live", 0, True, NOON, graph.parse(raw))
    numbers = itertools.count(1)
    return Effects({version.id: version}, now, lambda: UUID(int=next(numbers)))


def begun(effects: Effects, *, at: datetime = NOON) -> Walk:
    [version] = effects.versions.values()
    walk = engine.begin(effects, version, event(at), "", "treated")
    assert engine.run_on(effects, walk) is None
    return walk


def tell(effects: Effects, walk: Walk, happened: LoggedEvent) -> None:
    """An event is read when it happens."""
    effects.now = max(effects.now, happened.occurred_at)
    engine.wake(effects, walk, happened)


def resting(**more: Any) -> dict[str, Any]:
    steps = {"rest": wait(86_400, for_event=ORDER, on_event="bye"), "bye": {"kind": "exit", "reason": "bye"}}
    return drawn("rest", steps, **more)


@pytest.mark.parametrize("module", ["engine", "moves", "effects", "entering", "context", "walk"])
def test_it_has_nothing_to_look_things_up_with(module: str) -> None:
    tree = ast.parse((Path(engage.walks.__file__).parent / f"{module}.py").read_text())
    named = {
        name
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [f"{node.module}.{alias.name}" for alias in node.names]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    for name in named:
        assert not name.startswith(("sqlalchemy", "psycopg", "core.db", "core.clock", "core.ids", "random", "secrets"))


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        (NOON, True),
        (NOON - MOMENT, False),
        (NOON + DAY, True),
        (NOON + DAY + MOMENT, False),
    ],
)
def test_a_wait_counts_from_its_beginning_to_its_very_end(at: datetime, ends: bool) -> None:
    effects = effects_of(resting())
    walk = begun(effects)

    tell(effects, walk, event(at))

    assert walk.is_waiting != ends


def test_what_let_a_customer_in_neither_wakes_nor_ends_nor_converts() -> None:
    raw = resting(exit_when=[{"event": ORDER}], goal={"event": ORDER})
    effects = effects_of(raw)
    [version] = effects.versions.values()
    entry = event(NOON)
    walk = engine.begin(effects, version, entry, "", "treated")
    engine.run_on(effects, walk)

    engine.wake(effects, walk, entry)

    assert (walk.is_waiting, walk.converted_at) == (True, None)


@pytest.mark.parametrize(("late", "counts"), [(3 * DAY, True), (3 * DAY + MOMENT, False), (-MOMENT, False)])
def test_a_goal_counts_from_the_entry_to_the_end_of_its_window(late: timedelta, counts: bool) -> None:
    effects = effects_of(resting(goal={"event": "voucher.redeemed"}))
    walk = begun(effects)

    for _ in range(2):
        tell(effects, walk, event(NOON + late, name="voucher.redeemed"))

    assert (walk.converted_at == NOON + late) == counts
    assert len(effects.converted) == counts


def test_an_exit_goes_before_the_end_of_a_wait() -> None:
    effects = effects_of(resting(exit_when=[{"event": ORDER}]))
    walk = begun(effects)

    tell(effects, walk, event(NOON + HOUR))

    assert walk.end_reason == f"exit: {ORDER}"
    assert [run.outcome for run in effects.runs] == ["exited"]


def test_two_runs_of_the_same_events_are_the_same_to_the_id() -> None:
    def told() -> list[Any]:
        effects = effects_of(resting())
        walk = begun(effects)
        tell(effects, walk, event(NOON + HOUR))
        engine.run_on(effects, walk)
        return [(run.id, run.enrolment_id, run.step, run.visit, run.outcome) for run in effects.runs]

    assert told() == told()
    assert [outcome for *_, outcome in told()] == ["event", "done"]


def test_a_step_that_asks_waits_for_its_answer() -> None:
    campaign = ids.new()
    raw = drawn("gift", {"gift": gift(campaign, next="bye"), "bye": {"kind": "exit", "reason": "bye"}})
    for answer, outcome, reason in [
        (Given(ids.new()), "issued", "bye"),
        (Refused("budget_exhausted", "No more."), "refused", "refused: budget_exhausted"),
        (Refused("held_out", "Held out.", is_held_out=True), "held_out", "held_out"),
    ]:
        effects = effects_of(raw)
        [version] = effects.versions.values()
        walk = engine.begin(effects, version, event(NOON), "", "treated")
        asked = engine.run_on(effects, walk)
        assert isinstance(asked, Asked)
        assert asked.ask == AskVoucher(campaign)

        engine.answer(effects, asked, answer)
        engine.run_on(effects, walk)

        assert (effects.runs[0].outcome, walk.end_reason) == (outcome, reason)


def test_a_walk_that_may_not_ask_stays_where_it_is_and_spends_no_visit() -> None:
    effects = effects_of(drawn("gift", {"gift": gift(ids.new())}))
    [version] = effects.versions.values()
    walk = engine.begin(effects, version, event(NOON), "", "treated")

    assert engine.run_on(effects, walk, may_ask=False) is None

    assert (walk.state, walk.step, walk.visit, effects.runs) == ("ready", "gift", 0, [])


@pytest.mark.parametrize(("lag", "is_late", "looks"), [(60, False, False), (61, False, True), (1, True, True)])
def test_a_wait_that_begins_late_looks_back(lag: int, is_late: bool, looks: bool) -> None:
    effects = replace(effects_of(resting(), now=NOON + timedelta(seconds=lag)), is_late=is_late)
    [version] = effects.versions.values()
    walk = engine.begin(effects, version, event(NOON), "", "treated")

    asked = engine.run_on(effects, walk)

    assert (asked is not None) == looks
    if asked is not None:
        assert asked.ask == AskPast(ORDER, NOON)
        engine.answer(effects, asked, Past([event(NOON - MOMENT), event(NOON + MOMENT)]))
        assert (walk.step, walk.step_entered_at) == ("bye", NOON + MOMENT)


def test_a_time_out_goes_on_from_when_it_was_due() -> None:
    steps = {"rest": wait(3600, on_timeout="more"), "more": wait(3600, for_event=ORDER)}
    effects = effects_of(drawn("rest", steps))
    walk = begun(effects)
    effects.now = NOON + 5 * HOUR

    engine.time_out(effects, walk)
    asked = engine.run_on(effects, walk)
    assert asked is not None
    engine.answer(effects, asked, Past([]))

    assert (walk.step, walk.step_entered_at, walk.timeout_at) == ("more", NOON + HOUR, NOON + 6 * HOUR)


def test_two_of_one_moment_end_the_waits_of_a_loop_once_each() -> None:
    """Read late, they are looked up at each wait: what has moved the walk is behind it, in the order of the log."""
    steps = {"rest": wait(86_400, for_event=ORDER, on_event="share"),
             "share": {"kind": "update_trait", "name": "bought", "value": True, "next": "rest"}}  # fmt: skip
    effects = replace(effects_of(drawn("rest", steps), now=NOON + 2 * HOUR), is_late=True)
    [version] = effects.versions.values()
    log = [event(NOON), event(NOON + HOUR), event(NOON + HOUR)]
    walk = engine.begin(effects, version, log[0], "", "treated")

    asked = engine.run_on(effects, walk)
    while asked is not None and walk.visit < 20:
        ask = asked.ask
        past = [one for one in log if isinstance(ask, AskPast) and one.occurred_at >= ask.since]
        engine.answer(effects, asked, Past(past) if isinstance(ask, AskPast) else Noted())
        asked = engine.run_on(effects, walk)

    assert [run.outcome for run in effects.runs if run.kind == "wait"] == ["event", "event", "waiting"]
