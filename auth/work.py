"""Auth's schedule."""

from datetime import datetime

from auth import authorization_codes, emails, limits, sign_ins, token_families
from core.db import transaction
from core.work import Schedule, Work

#: Rows a transaction: a long one would hold back every reader of the log.
_CHUNK = 200


def sweep(now: datetime) -> None:
    """Drop what nobody can sign in with any more, and the personal data in it, a chunk a transaction."""
    for forget in (limits.forget, authorization_codes.forget, sign_ins.forget, token_families.forget, emails.forget):
        gone = _CHUNK
        while gone == _CHUNK:
            with transaction() as session:
                gone = forget(session, now=now, most=_CHUNK)


WORK: list[Work] = []
SCHEDULE = [Schedule("auth.sweep", "23 * * * *", sweep)]
