"""Refusals at the doors: for a voucher's holder, and for staff."""
