"""The wallet's due work."""

from datetime import datetime
from functools import partial

from core.db import transaction
from core.gateways.payments import PaymentGateway
from core.work import Work
from wallet import holds, lapsing, topups


def work(gateway: PaymentGateway) -> list[Work]:
    """Top-ups that were left half way (asking the provider again is harmless), and what has had its time."""
    return [
        Work("wallet.topups", partial(topups.finish_due, gateway)),
        Work("wallet.holds", _expire_holds),
        Work("wallet.warnings", lapsing.warn_due),
        Work("wallet.lapsing", lapsing.lapse_due),
    ]


def _expire_holds(now: datetime) -> int:
    with transaction() as session:
        return holds.expire_due(session, now=now)
