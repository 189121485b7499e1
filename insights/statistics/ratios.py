"""Sample-ratio checks: do the arms have the sizes that were planned?

If they don't, something chose between them (a bug, a filter after the draw), and no effect can be believed.

source  Lindon, Malek: Anytime-valid inference for multinomial count data, arXiv 2011.03567
"""

from collections.abc import Sequence
from math import exp, lgamma, log

#: Evidence at which the arms are not believed any more: with fair arms, at most one experiment in 1,000 ever gets here.
ALARM = 1_000.0

#: The rival that the plan is tried against: shares near those planned, as if learnt from so many customers.
#: Small differences are what happens in practice, and a rival that expects any share at all finds them later.
_WEIGHT = 100.0

#: The natural logarithm of the greatest number that is told; the next floats are infinite.
_GREATEST = 700.0


def evidence(counts: Sequence[int], shares: Sequence[float]) -> float:
    """How many times likelier these counts are under shares that differ than under those planned.

    May be looked at every day: with the planned shares it reaches 1,000 in one of 1,000 experiments, however long.
    (520, 480) at half and half is 0.6: as planned; (10_400, 9_600) is 580,274: an alarm.
    raises  ValueError: the shares don't sum to one, or one of them is not above zero
    """
    if len(counts) != len(shares) or min(shares, default=0.0) <= 0 or abs(sum(shares) - 1) > 1e-9:
        raise ValueError("Each arm has a share above zero, and the shares sum to one")
    ours = lgamma(_WEIGHT) - lgamma(_WEIGHT + sum(counts))
    for count, share in zip(counts, shares, strict=True):
        prior = _WEIGHT * share
        ours += lgamma(prior + count) - lgamma(prior) - count * log(share)
    return exp(min(ours, _GREATEST))
