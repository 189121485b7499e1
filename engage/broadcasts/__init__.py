"""Broadcasts: one message, or one voucher with it, to everyone in a segment, each of them once."""
