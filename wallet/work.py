"""The wallet's due work."""

from functools import partial

from core.gateways.payments import PaymentGateway
from core.work import Work
from wallet import topups


def work(gateway: PaymentGateway) -> list[Work]:
    """Top-ups that were left half way: the provider charges once a reference, so asking again is harmless."""
    return [Work("wallet.topups", partial(topups.finish_due, gateway))]
