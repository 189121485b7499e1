"""Origins of clients' pages, as each process knows them for some seconds."""

import time

from sqlalchemy import exists, func, select

from auth.models import ACTIVE
from auth.oauth.models import Client
from core.db import transaction

_KEPT_SECONDS = 5.0
_MOST_KEPT = 1_000
_kept: dict[str, tuple[float, bool]] = {}


def is_a_clients(origin: str) -> bool:
    """Whether a client that is active has a redirect URI at this origin. Reads in a transaction of its own."""
    found = _kept.get(origin)
    if found is not None and time.monotonic() < found[0]:
        return found[1]
    uri = func.unnest(Client.redirect_uris).column_valued("uri")
    with transaction() as session:
        known = bool(
            session.scalar(select(exists().where(Client.status == ACTIVE, func.starts_with(uri, f"{origin}/"))))
        )
    if len(_kept) >= _MOST_KEPT:
        _kept.clear()
    _kept[origin] = (time.monotonic() + _KEPT_SECONDS, known)
    return known


def forget_known() -> None:
    _kept.clear()
