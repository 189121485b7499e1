"""Reservations: vouchers that a till holds for a basket before it takes it, so that no other till can use them.

What is reserved is counted like what is used: on vouchers, on counters and, as holds, on budgets and gift cards. So
whoever decides about vouchers needs to know nothing of reservations, and giving back is what a rollback does.
"""
