"""Holdouts: the customers who walk a journey without its effects, so that its effects can be told from chance."""

from uuid import UUID

from core.population_shares import is_in_share


def is_held_out(journey_id: UUID, customer_id: UUID, *, holdout_bps: int) -> bool:
    """Always the same answer for a journey and a customer; the journey's id is the salt, so journeys differ.

    units  holdout_bps: basis points of customers
    """
    return is_in_share(journey_id, customer_id, bps=holdout_bps)
