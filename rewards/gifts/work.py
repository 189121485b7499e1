"""What is due about gifts."""

from functools import partial

from core.settings import Settings
from core.work import Work
from rewards.gifts import deliveries
from wallet.peers.invitations import Brand


def work(settings: Settings) -> list[Work]:
    """Gifts that are to be handed over, or go back."""
    brand = Brand(settings.brand_name, settings.public_url.rstrip("/"))
    return [Work("rewards.gifts", partial(deliveries.deliver_due, brand))]
