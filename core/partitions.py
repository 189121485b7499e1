"""Month partitions of the tables that only grow, by their UUIDv7 id."""

from datetime import datetime

from core.db import connection_of, transaction

MONTHS_AHEAD = 3


def ensure_ahead(now: datetime) -> None:
    """Make the partitions of the coming months for every month-partitioned table; harmless when they exist."""
    with transaction() as session:
        connection_of(session).execute("SELECT core.ensure_month_partitions(%s, %s)", [now, MONTHS_AHEAD])
