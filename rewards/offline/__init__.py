"""Vouchers taken offline: tokens that the brand has signed, the phone's proof, and who bears what goes wrong."""
