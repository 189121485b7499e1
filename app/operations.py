"""What operators ask: is it alive, is it ready, how is it doing."""

from flask import Flask, Response, jsonify

from app import database
from core import db
from core.db import connection_of, transaction
from core.errors import DatabaseUnavailable, Refusal
from core.events import readers


def register(app: Flask) -> None:
    for path, view in (("/healthz", healthz), ("/readyz", readyz), ("/metrics", metrics)):
        app.add_url_rule(path, view.__name__, view)
        app.extensions.setdefault("unguarded", set()).add(view.__name__)


def healthz() -> Response:
    """The process answers."""
    return jsonify(status="ok")


def readyz() -> Response:
    """The process can serve: the database answers and its schema is current."""
    try:
        ready = database.is_current()
    except Exception as error:  # whatever keeps us from the database, we are not ready
        raise DatabaseUnavailable from error
    if not ready:
        raise SchemaBehind
    return jsonify(status="ready")


class SchemaBehind(Refusal):
    code = "schema_behind"
    kind = DatabaseUnavailable.kind
    title = "The database's schema is behind; run `flask migrate`"


def metrics() -> Response:
    """Figures for Prometheus: how far each reader is behind, who is parked, how old the oldest transaction is."""
    with transaction() as session:
        connection = connection_of(session)
        lines = ["# TYPE pocketful_reader_lag_events gauge"]
        lines += [f'pocketful_reader_lag_events{{reader="{name}"}} {count}' for name, count in readers.lag(connection)]
        lines.append("# TYPE pocketful_reader_parked_events gauge")
        lines += [
            f'pocketful_reader_parked_events{{reader="{row[0]}"}} {row[1]}'
            for row in connection.execute("SELECT reader, count(*) FROM core.reader_parked GROUP BY reader")
        ]
        age = connection.execute(_HORIZON_AGE).fetchone()
        lines.append("# TYPE pocketful_horizon_age_seconds gauge")
        lines.append(f"pocketful_horizon_age_seconds {float(age[0]) if age else 0.0:.3f}")
    pool = db.engine().pool
    lines += ["# TYPE pocketful_database_connections gauge", f"pocketful_database_connections {_checked_out(pool)}"]
    return Response("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4")


def _checked_out(pool: object) -> int:
    return int(getattr(pool, "checkedout", lambda: 0)())


#: The oldest writing transaction holds back every reader of the log; alarm above one second.
_HORIZON_AGE = """
    SELECT coalesce(extract(epoch FROM clock_timestamp() - min(xact_start)), 0)
      FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND datname = current_database()
"""
