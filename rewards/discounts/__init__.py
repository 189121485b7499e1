"""Discounts: what a coupon takes off a basket, as data and as arithmetic."""

from rewards.discounts.basis import Basis, worth
from rewards.discounts.flow import Allocation
from rewards.discounts.kinds import (
    COUPON_KINDS,
    AmountOff,
    BuyGet,
    Discount,
    FixedPrice,
    FreeItem,
    GiftValue,
    PercentageOff,
    TillLines,
    parse,
)
from rewards.discounts.worths import Priced, price, worth_alone

__all__ = [
    "COUPON_KINDS",
    "Allocation",
    "AmountOff",
    "Basis",
    "BuyGet",
    "Discount",
    "FixedPrice",
    "FreeItem",
    "GiftValue",
    "PercentageOff",
    "Priced",
    "TillLines",
    "parse",
    "price",
    "worth",
    "worth_alone",
]
