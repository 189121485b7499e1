"""Sums that add up exactly."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.statistics import samples
from insights.statistics.samples import Sample

_VALUES = st.lists(st.integers(-(2**53), 2**53), max_size=30)


@given(_VALUES, _VALUES)
def test_samples_add_up_to_the_sample_of_all(some: list[int], others: list[int]) -> None:
    assert samples.of(some) + samples.of(others) == samples.of(some + others)


@given(_VALUES.filter(lambda values: len(values) > 1))
def test_mean_and_variance_are_those_of_the_values(values: list[int]) -> None:
    sample = samples.of(values)

    assert sample.mean == pytest.approx(statistics.fmean(values), rel=1e-12, abs=1e-9)
    assert sample.variance == pytest.approx(float(statistics.variance(values)), rel=1e-12)
    assert sample.deviation == pytest.approx(sample.variance**0.5)


def test_nobody_has_no_mean_and_no_spread() -> None:
    nobody = Sample(0, 0, 0)

    assert (nobody.mean, nobody.variance, nobody.telling) == (0, 0, 0)
    assert samples.of([7]).variance == 0


def test_a_great_offset_costs_no_digit() -> None:
    assert samples.of([10**15, 10**15 + 1, 10**15 + 2]).variance == 1


@pytest.mark.parametrize(
    "values, telling",
    [
        ([500] * 20 + [0] * 280, 20),
        ([500] * 19 + [50_000] + [0] * 280, pytest.approx(1.4, abs=0.1)),
        ([1] * 299 + [0], 1),
        ([0] * 299 + [1], 1),
        ([0] * 300, 0),
    ],
)
def test_the_spread_is_known_from_those_who_brought_something(values: list[int], telling: float) -> None:
    assert samples.of(values).telling == telling


def test_claims_count_one_or_nothing() -> None:
    assert samples.of_claims(10, 3) == samples.of([1, 1, 1] + [0] * 7)
