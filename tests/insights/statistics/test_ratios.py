"""Do the arms have the sizes that were planned?"""

import random

import pytest

from insights.statistics import ratios


def test_arms_of_fifty_two_and_forty_eight_raise_the_alarm() -> None:
    assert ratios.evidence((5_200, 4_800), (0.5, 0.5)) < ratios.ALARM  # too early to say
    assert ratios.evidence((10_400, 9_600), (0.5, 0.5)) >= ratios.ALARM


def test_arms_as_planned_raise_none() -> None:
    assert ratios.evidence((90_000, 10_000), (0.9, 0.1)) < 1
    assert ratios.evidence((0, 0), (0.9, 0.1)) == pytest.approx(1)


def test_three_arms_are_one_look() -> None:
    assert ratios.evidence((40_000, 40_000, 20_000), (0.4, 0.4, 0.2)) < 1
    assert ratios.evidence((42_000, 38_000, 20_000), (0.4, 0.4, 0.2)) >= ratios.ALARM


def test_daily_looks_at_a_fair_draw_hardly_ever_raise_it() -> None:
    """One in 1,000 is the promise for ever: of 400 experiments, looked at 100 times each, not one does here."""
    for seed in range(400):
        chance, held = random.Random(seed), 0
        for look in range(1, 101):
            held += sum([chance.random() < 0.1 for _ in range(30)])
            assert ratios.evidence((30 * look - held, held), (0.9, 0.1)) < ratios.ALARM


def test_evidence_beyond_all_numbers_is_still_a_number() -> None:
    assert 1e300 < ratios.evidence((1_000_000, 0), (0.5, 0.5)) < float("inf")


@pytest.mark.parametrize("shares", [(0.5, 0.6), (1.0, 0.0), (1.0,), (0.5, -0.5)])
def test_shares_that_are_none_are_refused(shares: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="Each arm has a share"):
        ratios.evidence((1, 2), shares)
