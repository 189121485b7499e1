"""Sandboxes: what integrators may ask of one, so that what is worth nothing costs others nothing either."""

from datetime import datetime, timedelta

from auth import limits
from auth.errors import SandboxBusy
from auth.limits import Limit
from core.db import transaction
from core.web.principals import Principal

#: Of one merchant, all its terminals together. A test run of an integrator's asks some hundred times.
_LIMITS = (
    Limit("sandbox.minute", most=300, window=timedelta(minutes=1)),
    Limit("sandbox.day", most=10_000, window=timedelta(days=1)),
)


def count(principal: Principal, *, now: datetime) -> None:
    """Count a request of a sandbox's till, in a transaction of its own so that one that is refused counts too.

    raises  SandboxBusy
    """
    with transaction() as session:
        wait = limits.take(session, [(limit, str(principal.merchant_id)) for limit in _LIMITS], now=now)
    if wait is not None:
        refusal = SandboxBusy()
        refusal.retry_after_seconds = wait
        raise refusal
