"""Month partitions of the tables that only grow, by their UUIDv7 id."""

from datetime import datetime

from core.db import connection_of, transaction

MONTHS_AHEAD = 3


def ensure_ahead(_: datetime | None = None) -> None:
    """Make the partitions of the coming months for every month-partitioned table; harmless when they exist.

    By the database's clock whatever the caller's says: ids carry the real time, even while a demo plays 2017.
    """
    with transaction() as session:
        connection_of(session).execute("SELECT core.ensure_month_partitions(clock_timestamp(), %s)", [MONTHS_AHEAD])
