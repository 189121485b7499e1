"""What can pay an amount and in which order, and what points are worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args
from uuid import UUID

Kind = Literal["promotional", "gift_card", "points", "cash"]
KINDS: tuple[Kind, ...] = get_args(Kind)

#: What would be lost first goes first: promotional value and gift cards expire, cash does not.
DEFAULT_ORDER: tuple[Kind, ...] = ("promotional", "gift_card", "points", "cash")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Something to pay with.

    voucher_id  of one gift card; None: all that the customer may spend, the next to expire first
    most_minor  the most that it shall give; None: all that it has
    """

    kind: Kind
    voucher_id: UUID | None = None
    most_minor: int | None = None


def in_order(kinds: Sequence[Kind]) -> tuple[Source, ...]:
    """Each of these kinds with all that it has."""
    return tuple([Source(kind=kind) for kind in kinds])


@dataclass(frozen=True, slots=True)
class Rate:
    """So many points are worth so many minor units."""

    points: int
    minor: int

    def worth(self, points: int) -> int:
        """The whole minor units that points are worth, rounded down: at 3 for 2, 4 points are worth 2."""
        return points * self.minor // self.points

    def payable(self, points: int, amount_minor: int) -> tuple[int, int]:
        """The points to take of those there are, and the minor units that they pay of an amount: as much of it as
        whole points are worth, and never a point more than that takes: less than a minor unit is lost by rounding.

        At 3 for 2, 7 points pay 4 of 5 with 6 of them; at 1 for 5, an amount of 12 takes 2 and pays 10.
        """
        most = min(points, amount_minor * self.points // self.minor)
        pays = self.worth(most)
        return -(-pays * self.points // self.minor), pays
