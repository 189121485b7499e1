"""Holdouts: the customers who walk a journey without its effects, so that its effects can be told from chance."""

import hashlib
from uuid import UUID


def is_held_out(journey_id: UUID, customer_id: UUID, *, holdout_bps: int) -> bool:
    """Always the same answer for a journey and a customer; raising the share keeps those already held out.

    units  holdout_bps: basis points of customers; the journey's id salts the hash, so journeys hold out different ones
    """
    digest = hashlib.sha256(journey_id.bytes + customer_id.bytes).digest()
    return int.from_bytes(digest[:8]) % 10_000 < holdout_bps
