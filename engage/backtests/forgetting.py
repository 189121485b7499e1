"""Forgetting: what a backtest found for each customer is worth little once the journey has run for a while."""

from datetime import datetime, timedelta

from core.db import connection_of, transaction
from core.work import Schedule

KEPT = timedelta(days=90)

_AT_ONCE = 5_000


def forget(now: datetime) -> None:
    """Drop backtests that ended 90 days ago, some thousands of their customers a transaction."""
    dropped = _AT_ONCE
    while dropped == _AT_ONCE:
        with transaction() as session:
            dropped = connection_of(session).execute(_CUSTOMERS, [now - KEPT, _AT_ONCE]).rowcount
    with transaction() as session:
        connection_of(session).execute("DELETE FROM engage.backtest WHERE ended_at < %s", [now - KEPT])


SCHEDULE = [Schedule("engage.old_backtests", "50 3 * * *", forget)]

_CUSTOMERS = """
    DELETE FROM engage.backtest_customer
     WHERE ctid = ANY (ARRAY(
             SELECT c.ctid FROM engage.backtest b JOIN engage.backtest_customer c ON c.backtest_id = b.id
              WHERE b.ended_at < %s LIMIT %s))
"""
