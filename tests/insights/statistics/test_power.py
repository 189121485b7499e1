"""The smallest effect that can be seen."""

import pytest

from insights.statistics import power, samples
from tests.insights.statistics.experiments import ALPHA, Spent, looks


def test_four_times_the_customers_see_half_the_effect() -> None:
    few, many = (power.smallest(count, held_share=0.1, deviation=1, alpha=ALPHA) for count in (2_000, 8_000))

    assert many == pytest.approx(few / 2)


def test_a_half_held_out_sees_more_than_a_tenth() -> None:
    half, tenth = (power.smallest(5_000, held_share=share, deviation=1, alpha=ALPHA) for share in (0.5, 0.1))

    assert half < tenth


@pytest.mark.parametrize("share", [0, 1, -0.1])
def test_without_two_arms_there_is_nothing_to_see(share: float) -> None:
    with pytest.raises(ValueError, match="both arms"):
        power.smallest(5_000, held_share=share, deviation=1, alpha=ALPHA)


def test_an_effect_of_the_told_size_is_seen_four_times_in_five(people: Spent) -> None:
    """Over the real households: not a word about normal people."""
    deviation = samples.of(minor for person in people for minor in person[::30]).deviation
    smallest = round(power.smallest(len(people), held_share=0.2, deviation=deviation, alpha=ALPHA))
    seen = 0
    for seed in range(150):
        *_, last = looks(people, seed=seed, held_share=0.2, effect_minor=smallest)
        seen += last.sequence.low > 0

    assert 0.7 < seen / 150 < 0.9
