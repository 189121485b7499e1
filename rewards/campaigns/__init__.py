"""Campaigns: what staff offer, to whom, how often and on which budget."""

from rewards.campaigns.drafting import Draft, create, create_all, end_, fund, pause, set_state, start

__all__ = ["Draft", "create", "create_all", "end_", "fund", "pause", "set_state", "start"]
