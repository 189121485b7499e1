"""Auth's schedule."""

from datetime import datetime

from auth import authorization_codes, limits, sign_ins, token_families
from core.db import transaction
from core.work import Schedule, Work


def sweep(now: datetime) -> None:
    """Drop what nobody can sign in with any more, and the personal data in it; each kind in its own transaction."""
    for forget in (limits.forget, authorization_codes.forget, sign_ins.forget, token_families.forget):
        with transaction() as session:
            forget(session, now=now)


WORK: list[Work] = []
SCHEDULE = [Schedule("auth.sweep", "23 * * * *", sweep)]
