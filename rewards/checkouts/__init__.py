"""Checkouts: a basket taken with its coupons, gift cards and payment, in one transaction."""

from rewards.checkouts.requests import CheckoutRequest
from rewards.checkouts.rows import Checkout
from rewards.checkouts.taking import take, take_all

__all__ = ["Checkout", "CheckoutRequest", "take", "take_all"]
