"""Limits: what a customer of a tier may pay, send and load, counted in the transaction of the deed itself."""

from wallet.limits.rules import (
    MEASURES,
    SETTABLE,
    Left,
    ensure_defaults,
    of_customer,
    posting_for_customer,
    recount,
    rules,
    set_rule,
    set_tier,
    set_tiers,
    step_up_above,
    take,
    tier_of,
    uncount,
)
from wallet.transfers import Limit

__all__ = [
    "Left",
    "Limit",
    "MEASURES",
    "SETTABLE",
    "ensure_defaults",
    "of_customer",
    "posting_for_customer",
    "recount",
    "rules",
    "set_rule",
    "set_tier",
    "set_tiers",
    "step_up_above",
    "take",
    "tier_of",
    "uncount",
]
