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


def tuned_to(customers: int, *, alpha: float) -> float:
    """rho2: makes the interval nearly narrowest once so many customers are in, and dear before and after.

    It has to be fixed before the first look, or the promise is void. A guess that is ten times too high or too low
    costs a third of the width, never the promise.
    raises  ValueError: nobody is expected, or alpha is no part of one
    """
    if customers < 1 or not 0 < alpha < 1:
        raise ValueError("A sequence is tuned to at least one customer, with alpha between 0 and 1")
    return (-2 * log(alpha) + log(1 - 2 * log(alpha))) / customers


def half_width(customers: int, *, deviation: float, alpha: float, rho2: float) -> float:
    """Half the width of the interval of a mean over so many customers, who spread by `deviation` each."""
    scale = customers * rho2 + 1
    return deviation * sqrt(scale / (customers**2 * rho2) * log(scale / alpha**2))


def difference(treated: Sample, held: Sample, *, alpha: float, rho2: float) -> Interval | None:
    """The mean of those treated less the mean of those held out; None while there are too few to say anything.

    units  of the samples' values, a customer
    """
    if min(treated.count, held.count) < FEWEST or min(treated.telling, held.telling) < FEWEST_TELLING:
        return None
    customers = treated.count + held.count
    # A customer's share in the difference: as if everybody had been drawn with the shares that came about.
    deviation = sqrt(customers * (treated.variance / treated.count + held.variance / held.count))
    estimate = treated.mean - held.mean
    half = half_width(customers, deviation=deviation, alpha=alpha, rho2=rho2)
    return Interval(estimate, estimate - half, estimate + half)
