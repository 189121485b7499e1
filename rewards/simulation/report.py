"""What a simulation found, gathered basket by basket and told as JSON."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from core.money import share


@dataclass(slots=True)
class Day:
    """units  cost_minor: what the campaign would have taken off that day's baskets"""

    baskets: int = 0
    qualifying: int = 0
    uses: int = 0
    cost_minor: int = 0


@dataclass(slots=True)
class Overlap:
    """A running campaign that fits the same baskets, and what it would take off them by itself."""

    baskets: int = 0
    worth_minor: int = 0


@dataclass(slots=True)
class Report:
    """baskets   all that were looked at, in the campaign's currency
    qualifying   those that meet its conditions
    uses         those of them that it would have been used with: not held out, within its limits and budget
    missed       why the others do not qualify, by the code of the first condition that fails
    refused      why qualifying ones go without: held_out, limit_reached, budget_exhausted
    taken_minor  what coupons really took off the baskets that it would have been used with
    spent_on     the first day on which the budget did not reach
    """

    baskets: int = 0
    qualifying: int = 0
    uses: int = 0
    cost_minor: int = 0
    taken_minor: int = 0
    customers: set[UUID] = field(default_factory=set)
    missed: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    days: dict[date, Day] = field(default_factory=dict)
    overlaps: dict[UUID, Overlap] = field(default_factory=dict)
    spent_on: date | None = None

    def day(self, on: date) -> Day:
        return self.days.setdefault(on, Day())

    def as_json(self, *, currency: str, take_up_bps: int, names: Mapping[UUID, str]) -> dict[str, Any]:
        """`expected_cost` is the cost times the take-up: where limits or the budget bind, it is rather too low."""
        return {
            "baskets": self.baskets,
            "qualifying": self.qualifying,
            "uses": self.uses,
            "customers": len(self.customers),
            "cost": {"amount_minor": self.cost_minor, "currency": currency},
            "expected_cost": {"amount_minor": share(self.cost_minor, bps=take_up_bps), "currency": currency},
            "taken_by_coupons": {"amount_minor": self.taken_minor, "currency": currency},
            "budget_spent_on": self.spent_on.isoformat() if self.spent_on else None,
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
                for on, day in sorted(self.days.items())
            ],
            "overlaps": [
                {
                    "campaign_id": str(campaign_id),
                    "name": names[campaign_id],
                    "baskets": overlap.baskets,
                    "worth_minor": overlap.worth_minor,
                }
                for campaign_id, overlap in sorted(
                    self.overlaps.items(), key=lambda found: (-found[1].baskets, found[0])
                )
            ],
        }
