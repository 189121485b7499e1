"""Epochs: a logical restore starts transaction ids anew, so every row says in which cluster's life it was written."""

from core.db import connection_of, transaction

_LOCK = 7_046_001


def ensure() -> int:
    """Raise the log's epoch when this database now lives in another cluster; before any door or worker opens.

    Rows of an earlier epoch are always below the readers' horizon.
    """
    with transaction() as session:
        connection = connection_of(session)
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        current = connection.execute("SELECT system_identifier FROM pg_control_system()").fetchone()
        known = connection.execute("SELECT system_identifier, epoch FROM core.cluster").fetchone()
        assert current, "pg_control_system() always has a row"
        if known and known[0] == current[0]:
            return int(known[1])
        epoch = known[1] + 1 if known else 1
        connection.execute("DELETE FROM core.cluster")
        connection.execute("INSERT INTO core.cluster (system_identifier, epoch) VALUES (%s, %s)", [current[0], epoch])
        for (table,) in connection.execute("SELECT table_name FROM core.epoch_kept ORDER BY table_name").fetchall():
            connection.execute(f"ALTER TABLE {table} ALTER COLUMN epoch SET DEFAULT {int(epoch)}")
        return int(epoch)
