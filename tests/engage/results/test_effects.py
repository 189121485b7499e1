"""The effects that follow from outcomes, and what they are planned by."""

from datetime import timedelta
from typing import Any

import pytest

from core import bounded, ids
from core.db import connection_of, transaction
from engage.results import effects, history
from engage.walks import arms
from insights.statistics import ratios
from insights.statistics.sequences import Interval
from tests.engage.conftest import Scene
from tests.engage.results.counted import count
from tests.engage.results.trying import LONG_AGO, installed, put_people, told_of, tried


def test_more_is_told_once_it_is_sure(scene: Scene) -> None:
    journey_id = tried(scene)
    put_people(journey_id, scene, arm="treated", number=4_500, minor=[1_000, 2_600], age=LONG_AGO)
    put_people(journey_id, scene, arm="holdout", number=500, minor=[1_000, 1_400], age=LONG_AGO)

    told = told_of(scene, journey_id)

    assert told["revenue"]["estimate"] == 600 and told["revenue"]["verdict"] == "more"
    assert told["revenue"]["low"] > 0 and told["revenue"]["words"].startswith("More than without it: between ")
    assert told["incremental_revenue"]["estimate"] == 600 * 4_500
    assert told["cost"]["amount_minor"] == 100 * 4_500
    assert told["per_cost"]["estimate"] == 6.0 and told["per_cost"]["verdict"] == "more"
    assert told["sample_ratio"]["is_alarming"] is False


def test_too_few_are_not_told_from_none(scene: Scene) -> None:
    """99 held out say nothing; 100 give an interval, and it still says too few; many without a difference say none."""
    journey_id = tried(scene, held_bps=5_000)
    put_people(journey_id, scene, arm="treated", number=99, minor=[1_000, 2_600], age=LONG_AGO)
    put_people(journey_id, scene, arm="holdout", number=99, minor=[1_000, 2_600], age=LONG_AGO)
    before = told_of(scene, journey_id)["revenue"]
    for arm in ("treated", "holdout"):
        put_people(journey_id, scene, arm=arm, number=1, minor=[2_600], age=LONG_AGO)
    few = told_of(scene, journey_id)["revenue"]
    for arm in ("treated", "holdout"):
        put_people(journey_id, scene, arm=arm, number=2_000, minor=[1_000, 2_600], age=LONG_AGO)
    many = told_of(scene, journey_id)["revenue"]

    assert (before["verdict"], before["estimate"]) == ("too_few", None)
    assert before["words"].endswith(
        "from 100 customers an arm on whose time is over, and from 10 of them who did something."
    )
    assert few["verdict"] == "too_few" and few["low"] < 0 < few["high"]
    assert many["verdict"] == "none" and many["high"] - many["low"] < few["high"] - few["low"]


@pytest.mark.parametrize(
    "low, high, verdict",
    [
        (-10, 10, "none"),
        (-10.1, 5, "too_few"),
        (-0.5, 10.1, "too_few"),  # narrow enough, but it reaches beyond what would be seen
        (0.1, 3, "more"),
        (-3, -0.1, "less"),
    ],
)
def test_none_is_said_only_where_a_difference_could_not_be_as_large_as_what_is_seen(
    low: float, high: float, verdict: str
) -> None:
    assert effects._verdict(Interval((low + high) / 2, low, high), 10) == verdict


@pytest.mark.parametrize("missing, ripe", [(timedelta(0), 100), (timedelta(microseconds=1), 0)])
def test_only_those_whose_window_is_over_count(scene: Scene, missing: timedelta, ripe: int) -> None:
    journey_id = tried(scene)
    put_people(journey_id, scene, arm="treated", number=100, minor=[1_000], age=LONG_AGO - missing)

    assert [(arm["entered"], arm["ripe"]) for arm in told_of(scene, journey_id)["arms"]] == [(100, ripe)]


def test_arms_that_are_not_as_planned_make_every_effect_unbelievable(scene: Scene) -> None:
    journey_id = tried(scene)
    put_people(journey_id, scene, arm="treated", number=4_000, minor=[1_000, 2_600], age=LONG_AGO)
    put_people(journey_id, scene, arm="holdout", number=1_000, minor=[1_000, 1_400], age=LONG_AGO)

    told = told_of(scene, journey_id)

    assert told["sample_ratio"]["is_alarming"] is True
    assert {told[name]["verdict"] for name in ("revenue", "buyers", "per_cost")} == {"not_believed"}


def test_one_customer_counts_for_no_more_than_the_bound(scene: Scene) -> None:
    """The year before had baskets of at most 30.00: somebody who spends a million counts for 30.00."""
    journey_id = tried(scene)
    put_people(journey_id, scene, arm="treated", number=1, minor=[100_000_000], age=LONG_AGO)

    told = told_of(scene, journey_id)

    assert told["plan"].bound_minor == 3_000
    assert told["arms"][0]["revenue_minor"] == 3_000


def test_while_the_reader_is_behind_nobody_becomes_ripe(scene: Scene) -> None:
    """What happened in a window must be read before the window is called over."""
    journey_id = tried(scene)
    count(scene)
    ahead = scene.now + timedelta(days=400)  # by then everybody would be ripe, but for what is unread
    put_people(journey_id, scene, arm="treated", number=1, minor=[1_000], age=timedelta(0))
    scene.happen(installed(scene, scene.customer()))

    with transaction() as session:
        behind = effects.of(session, "journey", journey_id, message_cost_minor=0, now=ahead)
    count(scene)
    with transaction() as session:
        read = effects.of(session, "journey", journey_id, message_cost_minor=0, now=ahead)

    assert [arm.ripe for arm in behind.arms] == [0]
    assert [arm.ripe for arm in read.arms] == [1]


@pytest.mark.parametrize("spans_cancelled, customers", [(0, 2), (1, 1), (2, 0)])
def test_a_year_too_long_to_look_through_is_looked_at_in_part(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, spans_cancelled: int, customers: int
) -> None:
    """Two customers ordered, one of them lately; the database cancels what takes too long."""
    old, recent = scene.customers(2)
    scene.happen(scene.order(old, occurred_at=scene.now - timedelta(days=200)))
    scene.happen(scene.order(recent, occurred_at=scene.now - timedelta(days=2)))
    looks: list[timedelta] = []
    read = bounded.rows

    def slow(session: Any, query: Any, values: Any, *, within: timedelta) -> Any:
        looks.append(within)
        if len(looks) <= spans_cancelled:
            return read(session, "SELECT pg_sleep(1)", values, within=timedelta(milliseconds=1))
        return read(session, query, values, within=within)

    monkeypatch.setattr(bounded, "rows", slow)
    with transaction() as session:
        past = history.of(session, days=30, currency="USD", now=scene.now)
        connection_of(session).execute("SELECT pg_sleep(0.01)")  # the limit was for the look alone

    assert past.stretches == {0: 8, 1: 1, 2: 0}[spans_cancelled]
    assert past.bound_minor == (5_000 if customers else 100_000)


def test_the_control_group_stands_in_no_effect(scene: Scene) -> None:
    journey_id = tried(scene)
    put_people(journey_id, scene, arm="treated", number=900, minor=[1_000, 1_400], age=LONG_AGO)
    put_people(journey_id, scene, arm="holdout", number=100, minor=[1_000, 1_400], age=LONG_AGO)
    before = told_of(scene, journey_id)
    put_people(journey_id, scene, arm="control", number=500, minor=[9_000], age=LONG_AGO)

    after = told_of(scene, journey_id)

    assert after["revenue"] == before["revenue"] and after["sample_ratio"] == before["sample_ratio"]
    assert {arm["arm"] for arm in after["arms"]} == {"control", "holdout", "treated"}


def test_the_holdout_is_sticky_and_as_large_as_planned() -> None:
    """The same customers each time they enter, a tenth of any number of them, and other ones for another journey."""
    journey_id, other_id, people = ids.new(), ids.new(), [ids.new() for _ in range(20_000)]
    drawn = [arms.arm_of(journey_id, one, holdout_bps=1_000) for one in people]
    held = drawn.count("holdout")

    assert drawn == [arms.arm_of(journey_id, one, holdout_bps=1_000) for one in people]
    assert ratios.evidence((len(people) - held, held), (0.9, 0.1)) < 1
    assert drawn != [arms.arm_of(other_id, one, holdout_bps=1_000) for one in people]
    wider = [arms.arm_of(journey_id, one, holdout_bps=2_000) for one in people]
    assert all(after == "holdout" for before, after in zip(drawn, wider, strict=True) if before == "holdout")
