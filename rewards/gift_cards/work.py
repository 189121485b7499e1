"""What is due about gift cards."""

from core.work import Work
from rewards.gift_cards import expiring

#: Cards that are about to lapse.
WORK = [Work("rewards.gift_cards", expiring.watch_due)]
