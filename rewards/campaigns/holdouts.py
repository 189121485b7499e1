"""Holdouts: the share of customers who are never given a campaign's vouchers, so that its effect can be told.

Whoever holds a voucher already keeps it. The same customers are drawn each time; raising the share keeps those that
are in it.
"""

from uuid import UUID

from core.population_shares import is_in_share
from rewards.terms import Terms


def is_held_out(terms: Terms, customer_id: UUID) -> bool:
    """Whether this customer goes without the campaign."""
    if not terms.holdout_bps:
        return False
    return is_in_share(terms.holdout_salt or terms.campaign_id, customer_id, bps=terms.holdout_bps)
