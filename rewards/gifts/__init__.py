"""Gifts: a voucher on its way from one customer to a friend."""
