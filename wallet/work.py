"""The wallet's due work."""

from datetime import datetime

from core.db import transaction
from core.gateways.payments import PaymentGateway
from core.work import Work
from wallet import holds, seals
from wallet.lots import lapsing
from wallet.topups.work import work as work_of_topups


def work(gateway: PaymentGateway) -> list[Work]:
    """Top-ups that were left half way, and what has had its time."""
    return [
        *work_of_topups(gateway),
        Work("wallet.holds", _expire_holds),
        Work("wallet.warnings", lapsing.warn_due),
        Work("wallet.lapsing", lapsing.lapse_due),
        Work("wallet.seals", seals.seal_due),
    ]


def _expire_holds(now: datetime) -> int:
    with transaction() as session:
        return holds.expire_due(session, now=now)
