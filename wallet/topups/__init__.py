"""Top-ups: money that comes in from a card or bank, through the payment provider."""

from wallet.topups.finishing import finish_due
from wallet.topups.requests import Taken, TopupRequest, find, given_up, list_, take, take_all

__all__ = ["Taken", "TopupRequest", "find", "finish_due", "given_up", "list_", "take", "take_all"]
