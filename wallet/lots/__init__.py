"""Lots: promotional value and points stand in lots of one origin and expiry, which can lapse."""

from wallet.lots.choosing import REVIVED_FOR, StandingLot, available, choose, give, give_back, lock, of_owner, take

__all__ = ["REVIVED_FOR", "StandingLot", "available", "choose", "give", "give_back", "lock", "of_owner", "take"]
