"""Discounts: what a coupon takes off a basket, as data and as arithmetic."""

from rewards.discounts.worths import (
    AmountOff,
    Basis,
    Discount,
    GiftValue,
    PercentageOff,
    TillLines,
    parse,
    worth,
)

__all__ = ["AmountOff", "Basis", "Discount", "GiftValue", "PercentageOff", "TillLines", "parse", "worth"]
