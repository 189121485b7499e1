"""Rates: how many messages a second each provider is given, over all processes together.

A bucket of tokens a provider, filled as time passes and never beyond one second's worth: in any stretch of time a
provider gets at most its rate times the seconds, and that much once more.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from core.db import Connection


def parse(text: str) -> dict[str, float]:
    """Messages a second by route, of "twilio=50,fcm=500"; the settings have been checked for their form."""
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    return {route.strip(): float(rate) for route, _, rate in pairs}


def most_at_once(rate: float) -> float:
    """How many tokens a bucket holds; one at least, or nothing would ever leave at less than one a second."""
    return max(rate, 1.0)


def read(
    connection: Connection, rates: Mapping[str, float], routes: Sequence[str], *, now: datetime
) -> dict[str, float]:
    """The tokens of those of the routes that have a rate.

    effects  locks their rows until the transaction ends, so that what `take` writes is right
    """
    rated = sorted(route for route in routes if route in rates)
    if not rated:
        return {}
    rows = connection.execute(_LOCK, [rated]).fetchall()
    if len(rows) < len(rated):
        connection.execute(_OPEN, [now, rated, [most_at_once(rates[route]) for route in rated]])
        rows = connection.execute(_LOCK, [rated]).fetchall()
    return {
        route: min(tokens + max((now - filled_at).total_seconds(), 0.0) * rates[route], most_at_once(rates[route]))
        for route, tokens, filled_at in rows
    }


def keep(connection: Connection, left: Mapping[str, float], *, now: datetime) -> None:
    """Write what `read` found, less what was taken of it."""
    if left:
        connection.execute(_KEEP, [now, list(left), list(left.values())])


_OPEN = """
    INSERT INTO core.provider_state (route, tokens, filled_at)
    SELECT route, tokens, %s FROM unnest(%s::text[], %s::float8[]) AS new (route, tokens) ORDER BY route
        ON CONFLICT DO NOTHING
"""

_LOCK = "SELECT route, tokens, filled_at FROM core.provider_state WHERE route = ANY(%s) ORDER BY route FOR UPDATE"

# Clocks of several machines differ a little: a bucket is never filled twice for the same stretch of time.
_KEEP = """
    UPDATE core.provider_state AS known SET tokens = given.tokens, filled_at = greatest(known.filled_at, %s)
      FROM unnest(%s::text[], %s::float8[]) AS given (route, tokens) WHERE known.route = given.route
"""
