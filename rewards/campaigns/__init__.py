"""Campaigns: what staff offer, to whom, how often and on which budget."""

from rewards.campaigns.drafting import create, create_all
from rewards.campaigns.drafts import Draft
from rewards.campaigns.funding import fund, release
from rewards.campaigns.states import end_, pause, set_state, start

__all__ = ["Draft", "create", "create_all", "end_", "fund", "pause", "release", "set_state", "start"]
