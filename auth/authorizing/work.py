"""What is due, and what runs when."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from auth.authorizing import back_channel, requests
from core.db import transaction
from core.settings import Settings
from core.work import Schedule, Work

#: Rows a transaction: a long one would hold back every reader of the log.
_CHUNK = 200


def work(settings: Settings) -> list[Work]:
    """Outside production a partner may be this machine, for whoever tries one."""
    tell = partial(back_channel.tell_due, may_be_local=not settings.is_production)
    return [Work("auth.logout_notices", tell), Work("auth.logout_notices_lost", back_channel.recover_lost)]


def sweep(now: datetime) -> None:
    """Drop requests that are over, with what they held, and notices of long ago, a chunk a transaction."""
    for forget in (requests.forget, back_channel.forget):
        _in_chunks(forget, now=now)


def _in_chunks(forget: Callable[..., int], *, now: datetime) -> None:
    gone = _CHUNK
    while gone == _CHUNK:
        with transaction() as session:
            gone = forget(session, now=now, most=_CHUNK)


SCHEDULE = [Schedule("auth.authorizing", "*/10 * * * *", sweep)]
