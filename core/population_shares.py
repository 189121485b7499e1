"""Shares of all customers, drawn by a hash: the same ones each time, and others for each salt."""

import hashlib
from uuid import UUID


def is_in_share(salt: UUID, customer_id: UUID, *, bps: int) -> bool:
    """Always the same answer for a salt and a customer; raising the share keeps those who are in it.

    units  bps: basis points of customers
    """
    digest = hashlib.sha256(salt.bytes + customer_id.bytes).digest()
    return int.from_bytes(digest[:8]) % 10_000 < bps
