"""Power: before an experiment begins, the smallest effect that it could show."""

from math import sqrt

from insights.statistics.sequences import half_width

#: An effect of the told size is seen in four experiments of five: the normal distribution's 80th percentile.
_SEEN = 0.8416


def smallest(customers: int, *, held_share: float, deviation: float, alpha: float, planned: int | None = None) -> float:
    """The effect on one customer's mean that is seen, four times in five, by the time so many customers are in.

    units   of the deviation: how much one customer differs from the next
    shape   customers: in both arms; held_share: of them held out, 0.1 for a tenth
    planned how many the interval expects in all; None: these
    raises  ValueError: nobody, or everybody, is held out; or no customers
    """
    if not 0 < held_share < 1:
        raise ValueError("Without customers in both arms there is no effect to be seen")
    # One customer's share in a difference of means, with q held out: v / (1 - q) + v / q.
    spread = deviation / sqrt(held_share * (1 - held_share))
    half = half_width(customers, deviation=spread, alpha=alpha, planned=planned or customers)
    return half + _SEEN * spread / sqrt(customers)
