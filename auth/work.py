"""Auth's schedule."""

from collections.abc import Callable
from datetime import datetime

from auth import devices, emails, limits
from auth.abuse import breaker
from auth.device_grants import polling
from auth.dpop import replays
from auth.native import sign_ins
from auth.oauth import codes, families
from auth.passkeys import ceremonies
from auth.sessions import ending
from auth.step_up import approvals
from auth.tokens import revocations
from core.db import transaction
from core.work import Schedule, Work

#: Rows a transaction: a long one would hold back every reader of the log.
_CHUNK = 200


def sweep(now: datetime) -> None:
    """Drop what nobody can sign in with any more, and the personal data in it, a chunk a transaction."""
    for forget in (
        limits.forget,
        codes.forget,
        sign_ins.forget,
        breaker.forget,
        families.forget,
        polling.forget,
        ending.forget,
        emails.forget,
        revocations.forget,
        replays.forget,
        ceremonies.forget,
        approvals.forget,
    ):
        _in_chunks(forget, now=now)


def drop_expired_tokens(now: datetime) -> None:
    """Forget push tokens of installations that no app has told of for most of a year."""
    _in_chunks(devices.drop_expired, now=now)


def _in_chunks(forget: Callable[..., int], *, now: datetime) -> None:
    gone = _CHUNK
    while gone == _CHUNK:
        with transaction() as session:
            gone = forget(session, now=now, most=_CHUNK)


WORK: list[Work] = []
SCHEDULE = [
    Schedule("auth.sweep", "23 * * * *", sweep),
    Schedule("auth.expired_tokens", "50 4 * * *", drop_expired_tokens),
]
