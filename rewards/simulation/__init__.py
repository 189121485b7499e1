"""Simulations: what a campaign would have done to past baskets, known before it starts."""
