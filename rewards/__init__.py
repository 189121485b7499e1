"""Campaigns, the vouchers they give, and the tills where vouchers turn into value."""
