"""Limits: what a customer of a tier may pay, send and load, counted in the transaction of the deed itself."""

from wallet.limits.rules import (
    MEASURES,
    Left,
    ensure_defaults,
    of_customer,
    recount,
    rules,
    set_rule,
    set_tier,
    set_tiers,
    take,
    tier_of,
    uncount,
)
from wallet.transfers import Limit

__all__ = [
    "Left",
    "Limit",
    "MEASURES",
    "ensure_defaults",
    "of_customer",
    "recount",
    "rules",
    "set_rule",
    "set_tier",
    "set_tiers",
    "take",
    "tier_of",
    "uncount",
]
