"""Intervals that may be looked at daily."""

import random
from math import log, sqrt

import pytest

from insights.statistics import samples, sequences
from insights.statistics.samples import Sample
from tests.insights.statistics.experiments import ALPHA, Spent, looks, of_those_who_stay

EXPERIMENTS = 1_000
#: What 1,000 experiments that keep the promise exactly may show by chance alone: three standard errors above it.
MOST_MISSED = ALPHA + 3 * sqrt(ALPHA * (1 - ALPHA) / EXPERIMENTS)


def test_daily_looks_at_nothing_seldom_ever_see_an_effect(people: Spent) -> None:
    ever_missed, ordinary_missed = 0, 0
    for seed in range(EXPERIMENTS):
        seen = list(looks(people, seed=seed, held_share=0.1))
        ever_missed += any(not look.sequence.covers(0) for look in seen)
        ordinary_missed += any(not look.ordinary.covers(0) for look in seen)

    assert ever_missed / EXPERIMENTS <= MOST_MISSED
    # The same looks with the interval that everybody learns at school: it would not pass this test.
    assert ordinary_missed / EXPERIMENTS > 2 * MOST_MISSED


def test_a_planted_effect_is_covered_at_every_look_and_seen_by_the_last(people: Spent) -> None:
    experiments, effect_minor = 200, 60_00
    ever_missed, seen = 0, 0
    for seed in range(experiments):
        told = [look.sequence for look in looks(people, seed=seed, held_share=0.1, effect_minor=effect_minor)]
        ever_missed += any(not interval.covers(effect_minor) for interval in told)
        seen += told[-1].low > 0

    assert ever_missed / experiments <= ALPHA + 3 * sqrt(ALPHA * (1 - ALPHA) / experiments)
    assert seen / experiments >= 0.8


@pytest.mark.parametrize("planned", [250, 250_000])
def test_a_plan_that_is_far_off_keeps_the_promise(people: Spent, planned: int) -> None:
    experiments, ever_missed = 60, 0
    for seed in range(experiments):
        told = looks(people, seed=seed, held_share=0.2, planned=planned)
        ever_missed += any(not look.sequence.covers(0) for look in told)

    assert ever_missed / experiments <= ALPHA + 3 * sqrt(ALPHA * (1 - ALPHA) / experiments)


def test_who_is_compared_by_what_was_drawn_is_not_fooled_by_those_who_left(people: Spent) -> None:
    """Nothing is caused. Where a message makes big spenders leave, those who come to the trial are other people."""
    experiments = [of_those_who_stay(people, seed=seed, leaves_from_minor=300_00) for seed in range(30)]

    assert sum(not drawn.covers(0) for drawn, _ in experiments if drawn) <= 3
    assert sum(not came.covers(0) for _, came in experiments if came) >= 25


@pytest.mark.parametrize("treated_rate, held_rate", [(0.03, 0.02), (0.02, 0.03), (0.005, 0.005), (0.98, 0.97)])
def test_rare_deeds_do_not_make_the_interval_boast(treated_rate: float, held_rate: float) -> None:
    """Where hardly anybody buys, an arm of 100 with one buyer seems to know all; nothing is told of it yet."""
    experiments, customers = 100, 3_000
    ever_missed = 0
    for seed in range(experiments):
        chance, counts = random.Random(seed), {True: [0, 0], False: [0, 0]}
        missed = False
        for number in range(1, customers + 1):
            is_held = chance.random() < 0.1
            counts[is_held][0] += 1
            counts[is_held][1] += chance.random() < (held_rate if is_held else treated_rate)
            if number % 50 == 0:
                arms = [samples.of_claims(*counts[held]) for held in (False, True)]
                told = sequences.difference(*arms, alpha=ALPHA, planned=customers)
                missed = missed or bool(told and not told.covers(treated_rate - held_rate))
        ever_missed += missed

    assert ever_missed / experiments <= ALPHA + 3 * sqrt(ALPHA * (1 - ALPHA) / experiments)


def _spread(count: int) -> Sample:
    return samples.of([100 * (number % 2 + 1) for number in range(count)])


@pytest.mark.parametrize("treated, held, is_told", [(100, 100, True), (100, 99, False), (99, 100, False)])
def test_nothing_is_told_below_a_hundred_customers_an_arm(treated: int, held: int, is_told: bool) -> None:
    told = sequences.difference(_spread(treated), _spread(held), alpha=ALPHA, planned=800)

    assert (told is not None) == is_told


@pytest.mark.parametrize("buyers, is_told", [(9, False), (10, True)])
def test_nothing_is_told_below_ten_customers_who_brought_something(buyers: int, is_told: bool) -> None:
    held = samples.of([500] * buyers + [0] * 200)

    assert (sequences.difference(_spread(200), held, alpha=ALPHA, planned=800) is not None) == is_told


def test_the_interval_is_that_of_the_paper() -> None:
    """Proposition 2.5, two-sided, worked by hand for two arms of 200 that spread alike."""
    rho2 = sequences.tuned_to(400)
    treated, held = _spread(200), samples.of([100 * (number % 2) for number in range(200)])
    deviation = sqrt(400 * (treated.variance / 200 + held.variance / 200))
    half = deviation * sqrt((400 * rho2 + 1) / (400**2 * rho2) * log((400 * rho2 + 1) / ALPHA**2))

    told = sequences.difference(treated, held, alpha=ALPHA, planned=400)

    assert told is not None
    assert told.estimate == pytest.approx(100)
    assert (told.low, told.high) == pytest.approx((100 - half, 100 + half))
    assert told.half_width == pytest.approx(half)


def _width(customers: int, planned: int) -> float:
    return sequences.half_width(customers, deviation=1, alpha=ALPHA, planned=planned)


def test_it_is_narrowest_near_where_it_was_tuned_to() -> None:
    widths = [_width(5_000, planned) for planned in (500, 9_000)]

    assert all(_width(5_000, 5_000) < width < 1.5 * _width(5_000, 5_000) for width in widths)


@pytest.mark.parametrize("customers", [500, 1_000, 2_000, 10_000, 50_000, 1_000_000])
def test_a_plan_far_too_high_costs_a_fifth_of_the_width(customers: int) -> None:
    """One sequence tuned to a million would be nine times too wide for a journey that a thousand enter."""

    def alone(tuned_to: int) -> float:
        return sequences._width(customers, deviation=1, alpha=ALPHA, rho2=sequences.tuned_to(tuned_to))

    assert _width(customers, 1_000_000) < 1.2 * alone(customers)
    assert customers > 1_000 or alone(1_000_000) > 9 * alone(customers)


@pytest.mark.parametrize("planned, alpha", [(0, 0.05), (-1, 0.05), (10, 0), (10, 1)])
def test_tuning_refuses_what_means_nothing(planned: int, alpha: float) -> None:
    with pytest.raises(ValueError, match=r"at least one customer|between 0 and 1"):
        sequences.half_width(10, deviation=1, alpha=alpha, planned=planned)
