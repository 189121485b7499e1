"""Confidence sequences: an interval that may be looked at daily and still misses the truth at most as often as said.

An ordinary 95 % interval holds for one look that was planned. Who looks daily and stops at the first day that pleases
is wrong far oftener: over a year of real baskets, in one of six experiments without any effect where a tenth is held
out, and in one of three where a half is (the tests run both kinds of interval over the same thousand experiments).

source  Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas: Time-uniform central limit theory and asymptotic confidence
        sequences, arXiv 2103.06476v9, proposition 2.5 (two-sided) and its section on choosing rho
"""

from dataclasses import dataclass
from math import log, sqrt

from insights.statistics.samples import Sample

#: Below so many customers in an arm its spread is not known well enough for any interval.
FEWEST = 100

#: And so many of them must have brought something: 2 buyers among 100 don't tell yet how buyers differ, and an interval
#: that believed them missed the truth in 11 % of trials.
FEWEST_TELLING = 10

#: No sequence is tuned to fewer, and those below ten times as many have no need of a second.
_FEWEST_TUNED = 1_000

_LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Interval:
    estimate: float
    low: float
    high: float

    def covers(self, value: float) -> bool:
        return self.low <= value <= self.high

    @property
    def half_width(self) -> float:
        return (self.high - self.low) / 2


def tuned_to(customers: int) -> float:
    """rho2: makes one sequence nearly narrowest once so many customers are in, and dear before and after.

    raises  ValueError: nobody is expected
    """
    if customers < 1:
        raise ValueError("A sequence is tuned to at least one customer")
    # At any level near this one it is all but the same.
    return (-2 * log(_LEVEL) + log(1 - 2 * log(_LEVEL))) / customers


def half_width(customers: int, *, deviation: float, alpha: float, planned: int) -> float:
    """Half the width of the interval of a mean over so many customers, who spread by `deviation` each.

    planned  how many are expected. It has to be fixed before the first look, or the promise is void
    The narrowest of a few sequences, tuned to the plan, a tenth of it, a hundredth …, each with its part of alpha,
    since their misses add up. One alone would be six times too wide for a journey that 2,000 customers enter where a
    million were planned; this is a quarter wider than it had to be. Below 10,000 there is only the one.
    raises   ValueError: nobody is planned, or alpha is no part of one
    """
    if not 0 < alpha < 1:
        raise ValueError("alpha lies between 0 and 1")
    tunings = _tunings(planned)
    part = alpha / len(tunings)
    return min(_width(customers, deviation=deviation, alpha=part, rho2=tuned_to(each)) for each in tunings)


def _tunings(planned: int) -> list[int]:
    found = [planned]
    while found[-1] >= 10 * _FEWEST_TUNED:
        found.append(found[-1] // 10)
    return found


def _width(customers: int, *, deviation: float, alpha: float, rho2: float) -> float:
    scale = customers * rho2 + 1
    return deviation * sqrt(scale / (customers**2 * rho2) * log(scale / alpha**2))


def difference(treated: Sample, held: Sample, *, alpha: float, planned: int) -> Interval | None:
    """The mean of those treated less the mean of those held out; None while there are too few to say anything.

    units    of the samples' values, a customer
    planned  as `half_width` says
    """
    if min(treated.count, held.count) < FEWEST or min(treated.telling, held.telling) < FEWEST_TELLING:
        return None
    customers = treated.count + held.count
    # A customer's share in the difference: as if everybody had been drawn with the shares that came about.
    deviation = sqrt(customers * (treated.variance / treated.count + held.variance / held.count))
    estimate = treated.mean - held.mean
    half = half_width(customers, deviation=deviation, alpha=alpha, planned=planned)
    return Interval(estimate, estimate - half, estimate + half)
