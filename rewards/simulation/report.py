"""What a simulation found, gathered basket by basket and told as JSON."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import ceil, floor, sqrt
from typing import Any
from uuid import UUID

MOST_OVERLAPS = 50


@dataclass(slots=True)
class Day:
    """units  cost_minor: what the campaign would have taken off that day's baskets"""

    baskets: int = 0
    qualifying: int = 0
    uses: int = 0
    cost_minor: int = 0


@dataclass(slots=True)
class Uses:
    """spent_on: the first day on which the budget did not reach"""

    count: int = 0
    cost_minor: int = 0
    spent_on: date | None = None


@dataclass(slots=True, kw_only=True)
class Overlap:
    """A running campaign that fits the same baskets.

    units        worth_minor: what it would take off them by itself; own_minor: what the one played would
    go_together  whether one basket may take both
    """

    baskets: int = 0
    worth_minor: int = 0
    own_minor: int = 0
    go_together: bool


@dataclass(slots=True)
class Report:
    """baskets   all that were looked at, in the campaign's currency
    qualifying   those that meet its conditions
    uses         those of them that it would have been used with, if everyone used it: not held out, within its limits
                 and budget
    expected     the same where the take-up says who uses it
    missed       why the others do not qualify, by the code of the first condition that fails
    refused      why qualifying ones go without: held_out, limit_reached, budget_exhausted
    taken_minor  what coupons really took off the baskets that it would have been used with
    """

    baskets: int = 0
    qualifying: int = 0
    uses: Uses = field(default_factory=Uses)
    expected: Uses = field(default_factory=Uses)
    taken_minor: int = 0
    customers: set[UUID] = field(default_factory=set)
    missed: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    days: dict[date, Day] = field(default_factory=dict)
    overlaps: dict[UUID, Overlap] = field(default_factory=dict)

    def day(self, on: date) -> Day:
        return self.days.setdefault(on, Day())

    def as_json(
        self, *, currency: str, budget_minor: int | None, names: Mapping[UUID, str], confidence: dict[str, Any]
    ) -> dict[str, Any]:
        def money(amount_minor: int) -> dict[str, Any]:
            return {"amount_minor": amount_minor, "currency": currency}

        least, most = self.expected_between
        return {
            "baskets": self.baskets,
            "qualifying": self.qualifying,
            "uses": self.uses.count,
            "customers": len(self.customers),
            "cost": money(self.uses.cost_minor),
            "budget": None if budget_minor is None else money(budget_minor),
            "budget_spent_on": _told(self.uses.spent_on),
            "expected": {
                "uses": self.expected.count,
                "least_uses": least,
                "most_uses": most,
                "cost": money(self.expected.cost_minor),
                "budget_spent_on": _told(self.expected.spent_on),
            },
            "confidence": confidence,
            "taken_by_coupons": money(self.taken_minor),
            "missed": [{"code": code, "baskets": count} for code, count in self.missed.most_common()],
            "refused": [{"code": code, "baskets": count} for code, count in self.refused.most_common()],
            "days": [
                {
                    "date": on.isoformat(),
                    "baskets": day.baskets,
                    "qualifying": day.qualifying,
                    "uses": day.uses,
                    "cost_minor": day.cost_minor,
                }
                for on, day in self._every_day()
            ],
            "overlapping": len(self.overlaps),
            "overlaps": [
                {
                    "campaign_id": str(campaign_id),
                    "name": names[campaign_id],
                    "baskets": overlap.baskets,
                    "worth_minor": overlap.worth_minor,
                    "own_minor": overlap.own_minor,
                    "go_together": overlap.go_together,
                }
                for campaign_id, overlap in self.most_overlapping
            ],
        }

    @property
    def most_overlapping(self) -> list[tuple[UUID, Overlap]]:
        """Those that are told: thousands may overlap, and a page of simulations has fifty results."""
        found = sorted(self.overlaps.items(), key=lambda each: (-each[1].baskets, each[0]))
        return found[:MOST_OVERLAPS]

    @property
    def expected_between(self) -> tuple[int, int]:
        """What chance alone makes of the expected uses, nineteen times of twenty: 100 uses are 80 to 120."""
        count = self.expected.count
        return max(0, floor(count - 2 * sqrt(count))), ceil(count + 2 * sqrt(count))

    def _every_day(self) -> Iterator[tuple[date, Day]]:
        """From the first day with a basket to the last, those between without one too."""
        if not self.days:
            return
        on, last, nothing = min(self.days), max(self.days), Day()
        while on <= last:
            yield on, self.days.get(on, nothing)
            on += timedelta(days=1)


def _told(day: date | None) -> str | None:
    return day.isoformat() if day else None
