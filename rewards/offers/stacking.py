"""Which coupons may be used together in one basket.

An exclusive one stands alone; of one category a basket takes one; those without a category go with all. A basket takes
thirty vouchers. Gift cards pay, so they go with everything and count towards nothing but the thirty.
"""

from collections.abc import Iterable

from rewards.offers.errors import StackingExcluded
from rewards.terms import Terms

#: The most vouchers in one basket.
MOST = 30


def refusal(of: Terms, others: Iterable[Terms]) -> StackingExcluded | None:
    """Why a coupon cannot join those that a basket has already, if it cannot."""
    if of.is_gift_card:
        return None
    for other in others:
        if other.is_gift_card:
            continue
        if of.is_exclusive or other.is_exclusive:
            return StackingExcluded(exclusive=True, campaign_id=str(other.campaign_id))
        if of.category is not None and of.category == other.category:
            return StackingExcluded(category=of.category, campaign_id=str(other.campaign_id))
    return None
