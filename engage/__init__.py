"""Engage: journeys that watch what a customer does and answer with a voucher and a message at the right moment."""
