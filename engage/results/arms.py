"""Arms: what those treated, and those held out, did within their windows, put together for an effect."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from core.db import Connection
from insights.statistics import samples
from insights.statistics.samples import Sample

TREATED, HOLDOUT = "treated", "holdout"


@dataclass(frozen=True, slots=True)
class Arm:
    """entered: in all; ripe: whose window is over, as all the rest. converted: reached the journey's goal

    variant  of those for whom one was drawn as they entered, and the trial that drew it; '' and None for the others
    """

    arm: str
    variant: str
    trial: UUID | None
    latest_at: datetime
    entered: int
    ripe: int
    revenue: Sample
    buyers: Sample
    converted: Sample
    redeemed_minor: int

    def __add__(self, other: "Arm") -> "Arm":
        return Arm(
            self.arm,
            "",
            None,
            max(self.latest_at, other.latest_at),
            self.entered + other.entered,
            self.ripe + other.ripe,
            self.revenue + other.revenue,
            self.buyers + other.buyers,
            self.converted + other.converted,
            self.redeemed_minor + other.redeemed_minor,
        )


def of(connection: Connection, scope: str, scope_id: UUID, *, bound_minor: int, as_of: datetime) -> list[Arm]:
    """By arm, variant and trial. bound_minor: the most that one customer counts for; as_of: ripe is who was by then"""
    values = {"scope": scope, "id": scope_id, "as_of": as_of, "bound": bound_minor}
    return [_arm(row) for row in connection.execute(_ARMS, values)]


def named(arms: Sequence[Arm], name: str) -> Arm:
    """An arm over all of these variants."""
    none, never = Sample(0, 0, 0), datetime.min.replace(tzinfo=UTC)
    return sum((arm for arm in arms if arm.arm == name), Arm(name, "", None, never, 0, 0, none, none, none, 0))


def _arm(row: tuple[Any, ...]) -> Arm:
    arm, variant, trial, latest_at, entered, ripe, total, squares, buyers, converted, redeemed_minor = row
    return Arm(
        arm=arm,
        variant=variant,
        trial=trial,
        latest_at=latest_at,
        entered=entered,
        ripe=ripe,
        revenue=Sample(ripe, int(total), int(squares)),
        buyers=samples.of_claims(ripe, buyers),
        converted=samples.of_claims(ripe, converted),
        redeemed_minor=int(redeemed_minor),
    )


_ARMS = """
    SELECT arm, variant, trial, max(entered_at), count(*), count(*) FILTER (WHERE is_ripe),
           coalesce(sum(minor) FILTER (WHERE is_ripe), 0),
           coalesce(sum(minor * minor) FILTER (WHERE is_ripe), 0), count(*) FILTER (WHERE is_ripe AND orders > 0),
           count(*) FILTER (WHERE is_ripe AND is_converted), coalesce(sum(redeemed_minor) FILTER (WHERE is_ripe), 0)
      FROM (SELECT arm, variant, trial, entered_at, orders, is_converted, redeemed_minor,
                   ripe_at <= %(as_of)s AS is_ripe,
                   greatest(least(revenue_minor - refunded_minor, %(bound)s), -%(bound)s)::numeric AS minor
              FROM engage.outcome WHERE scope = %(scope)s AND scope_id = %(id)s) o
     GROUP BY arm, variant, trial ORDER BY arm, variant, trial
"""
