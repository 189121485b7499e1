"""The due work of identity checks."""

from functools import partial

from core.gateways.identity import IdentityGateway
from core.work import Work
from wallet.identity import checks


def work(gateway: IdentityGateway) -> list[Work]:
    """Checks without a verdict: the provider opens one a reference, so asking again is harmless."""
    return [Work("wallet.identity", partial(checks.ask_due, gateway))]
