"""Arms: most customers walk a journey with its effects, some without them, so that its effects can be told from
chance."""

from uuid import UUID

from core.population_shares import is_in_share
from engage.steps import Arm


def arm_of(journey_id: UUID, customer_id: UUID, *, holdout_bps: int) -> Arm:
    """Always the same answer for a journey and a customer; the journey's id is the salt, so journeys differ.

    units  holdout_bps: basis points of customers
    """
    return "holdout" if is_in_share(journey_id, customer_id, bps=holdout_bps) else "treated"
