"""Offers: which coupons fit a basket, which of them go together, and which together are best for the customer."""
