"""Shares: an amount over several sources, in proportion, to the last minor unit."""

from collections.abc import Sequence


def shares(rests: Sequence[int], amount: int) -> list[int]:
    """What goes to each source, in proportion to what it can still take; they sum to `amount`.

    Minor units that do not divide go to the largest remainders, of equal ones to the first: 333 of 400 and 600 are
    133.2 and 199.8, so 133 and 200; 1 of 500 and 500 is 1 and 0. None is above its rest, since only a share that was
    rounded down to below it gains a unit. `amount` is at least 1 and at most the sum of the rests.
    """
    left = sum(rests)
    floors = [divmod(rest * amount, left) for rest in rests]
    given = [whole for whole, _ in floors]
    by_remainder = sorted(range(len(rests)), key=lambda position: -floors[position][1])
    for position in by_remainder[: amount - sum(given)]:
        given[position] += 1
    return given
