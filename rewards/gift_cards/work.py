"""What is due about gift cards."""

from functools import partial

from core.settings import Settings
from core.work import Work
from rewards.gift_cards import deliveries, expiring
from wallet.peers.invitations import Brand


def work(settings: Settings) -> list[Work]:
    """Cards that are about to lapse, and gifts that are to be handed over."""
    brand = Brand(settings.brand_name, settings.public_url.rstrip("/"))
    return [
        Work("rewards.gift_cards", expiring.watch_due),
        Work("rewards.gifts", partial(deliveries.deliver_due, brand)),
    ]
