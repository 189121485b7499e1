"""Samples: what one arm of an experiment brought, as three sums that add up exactly."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt


@dataclass(frozen=True, slots=True)
class Sample:
    """Integers of one kind, one a customer.

    shape  count: customers; total: their sum; squares: the sum of their squares
    Sums, not means: those of two days add up to those of both, without an error that grows.
    """

    count: int
    total: int
    squares: int

    def __add__(self, other: "Sample") -> "Sample":
        return Sample(self.count + other.count, self.total + other.total, self.squares + other.squares)

    @property
    def mean(self) -> float:
        """0 where there is nobody."""
        return self.total / self.count if self.count else 0.0

    @property
    def variance(self) -> float:
        """Of one customer, over n - 1; 0 below two customers."""
        if self.count < 2:
            return 0.0
        # In whole numbers to the last division: a float difference of two huge sums would keep no digit.
        return (self.count * self.squares - self.total**2) / (self.count * (self.count - 1))

    @property
    def telling(self) -> float:
        """How many customers its spread is known from: those who brought something, as if all had brought the same.

        300 customers of whom 20 brought 5.00 each are 20; if one of those brought 500.00, there is hardly more than 1.
        Of claims the rarer answer counts: 299 of 300 tell as little as 1.
        """
        if self.squares == self.total:
            return float(min(self.total, self.count - self.total))
        return self.total**2 / self.squares

    @property
    def deviation(self) -> float:
        return sqrt(self.variance)


def of(values: Iterable[int]) -> Sample:
    """[3, 4] is Sample(2, 7, 25)."""
    count = total = squares = 0
    for value in values:
        count, total, squares = count + 1, total + value, squares + value * value
    return Sample(count, total, squares)


def of_claims(count: int, true: int) -> Sample:
    """How many of so many did something: each counts 1 or 0."""
    return Sample(count, true, true)
