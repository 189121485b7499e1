"""The two runs whose truth is known, over outcomes made up here."""

from datetime import timedelta
from random import Random
from uuid import UUID

from app.demo import caused, windows
from app.demo.caused import PLANTED_MINOR
from app.demo.source_files import YEAR
from core import ids
from engage.results.models import EffectPlan


def _outcomes(number: int) -> list[caused._Outcome]:
    """A tenth held out; each enters on some day and spends up to 200.00 within a month."""
    chance, begins = Random(1), windows.midnight(YEAR.first)
    return [
        caused._Outcome(
            ids.new(), place % 10 == 0, begins + timedelta(days=30 + chance.randrange(300)), chance.randrange(200_00)
        )
        for place in range(number)
    ]


def _plan() -> EffectPlan:
    return EffectPlan(customers=2_000, held_bps=1_000)


def _households(found: list[caused._Outcome]) -> dict[UUID, int]:
    return {one.customer_id: place for place, one in enumerate(found)}


def test_the_truth_is_covered_on_every_day_in_both_runs_and_the_planted_effect_is_seen() -> None:
    found = _outcomes(2_000)
    runs = {
        truth: caused._looked_at(found, _plan(), spent, truth, YEAR)
        for _, truth, spent in caused._kinds(_households(found))
    }

    assert {truth: run.missed for truth, run in runs.items()} == {0: 0, PLANTED_MINOR // 2: 0}
    assert all((run.treated, run.held) == (1_800, 200) and run.looks > 100 for run in runs.values())
    nothing, planted = runs[0].last, runs[PLANTED_MINOR // 2].last
    assert nothing and planted and nothing.low < 0 < nothing.high and planted.low > 0


def test_a_wrong_truth_would_be_found_out() -> None:
    """The count of days on which the truth was missed can be other than none."""
    found = _outcomes(2_000)
    [(_, _, as_it_was), _] = caused._kinds(_households(found))

    assert caused._looked_at(found, _plan(), as_it_was, 100_00, YEAR).missed > 0


def test_half_of_those_treated_are_given_the_effect_the_same_ones_each_time_and_none_held_out() -> None:
    found = _outcomes(2_000)
    households = _households(found)
    planted = [caused._planted(one, households) for one in found]

    assert planted == [caused._planted(one, households) for one in found]
    assert not any(given for given, one in zip(planted, found, strict=True) if one.is_held)
    assert 800 < sum(given > 0 for given in planted) < 1_000
