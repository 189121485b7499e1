"""Origins of clients' pages, as each process knows them for some seconds."""

import time

from core.db import connection_of, transaction

_KEPT_SECONDS = 5.0
_MOST_KEPT = 1_000
_kept: dict[str, tuple[float, bool]] = {}


def is_a_clients(origin: str) -> bool:
    """Whether a client that is active has a redirect URI at this origin. Reads in a transaction of its own."""
    found = _kept.get(origin)
    if found is not None and time.monotonic() < found[0]:
        return found[1]
    with transaction() as session:
        row = connection_of(session).execute(_KNOWN, [f"{origin}/"]).fetchone()
    known = row is not None
    if len(_kept) >= _MOST_KEPT:
        _kept.clear()
    _kept[origin] = (time.monotonic() + _KEPT_SECONDS, known)
    return known


def forget_known() -> None:
    _kept.clear()


_KNOWN = """
    SELECT 1 FROM auth.client c, unnest(c.redirect_uris) uri
     WHERE c.status = 'active' AND starts_with(uri, %s) LIMIT 1
"""
