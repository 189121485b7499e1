"""The control group: customers who get no marketing at all, so that what all of it does can be told from chance."""

from uuid import UUID

from core.population_shares import is_in_share
from engage.contacting.policy import Policy

#: For ever the same, so that who is in it stays in it; no journey has it, so that it is nobody's holdout.
_SALT = UUID("8f14c0de-7a1c-4f0e-9d1e-5e2b6f0c0001")


def is_in(policy: Policy, customer_id: UUID) -> bool:
    """Raising the share keeps those who are in it; lowering it lets some go."""
    return policy.control_bps > 0 and is_in_share(_SALT, customer_id, bps=policy.control_bps)
