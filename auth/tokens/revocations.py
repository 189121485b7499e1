"""What is revoked works no more within a second, in every process, though no token's check asks the database.

The table is small: a row lives for as long as a token can that it stops. Each process reads what is new at most once
a second into one dictionary, which is swapped whole, so that the checks need no lock.
"""

import json
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth.tokens.models import Revocation
from core.db import after_commit, statement
from core.errors import DatabaseUnavailable, Refusal
from core.prepared import PreparedCall

#: The longest that any token is good for (a sandbox's till, `flask token`), and as much again for clocks that differ.
_KEPT_FOR = timedelta(days=2)
#: Nothing comes after the end of a session, a family or one token; a customer or a till may be let in again. What these
#: stop is over in ten minutes, and there are many of them: each sign-out is one.
_ENDED = ("session:", "family:", "jti:")
_FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)
_ENDED_KEPT_FOR = timedelta(hours=1)

_LOOK_SECONDS = 1.0
#: While the database does not answer, what was known lately is gone by for so long, and then nobody is let in.
_STALE_SECONDS = 10.0
_DROP_SECONDS = 60.0

# A transaction that committed after our last look may have written before it: writing ones take far less than that.
_SINCE = PreparedCall(
    "auth_revocations_since",
    "SELECT clock_timestamp()::text, (SELECT coalesce(json_agg(json_build_array(subject,"
    " floor(extract(epoch FROM issued_until))::bigint, ceil(extract(epoch FROM until))::bigint)), '[]')::text"
    " FROM auth.revocation WHERE written_at > %s::timestamptz - interval '30 seconds')",
)
_EVERYTHING = "1970-01-01 00:00:00+00"

#: By subject: up to when (Unix seconds) tokens were issued that are good for nothing, and until when that matters.
_known: dict[str, tuple[int, int]] = {}
_seen_until = _EVERYTHING
_read_at = _tried_at = _failed_at = _dropped_at = float("-inf")
_looking = threading.Lock()
_changing = threading.Lock()


def add(session: Session, subject: str, *, now: datetime) -> None:
    """Let every token of this subject that was issued up to now be good for nothing, once this is committed.

    subject  "customer:<id>", "staff:", "terminal:", "store:", "merchant:", "client:", "session:", "family:", "jti:"
    effects  in this process at once, in others within a second
    """
    is_ended = subject.startswith(_ENDED)
    issued_until, until = (_FOR_EVER, now + _ENDED_KEPT_FOR) if is_ended else (now, now + _KEPT_FOR)
    row = insert(Revocation).values(subject=subject, issued_until=issued_until, until=until)
    changed = {
        "issued_until": func.greatest(Revocation.issued_until, row.excluded.issued_until),
        "until": func.greatest(Revocation.until, row.excluded.until),
        "written_at": func.clock_timestamp(),
    }
    session.execute(row.on_conflict_do_update(index_elements=[Revocation.subject], set_=changed))
    entry = (int(issued_until.timestamp()), int(until.timestamp()))
    after_commit(session, f"revoked {subject}", partial(_learn, {subject: entry}))


def is_revoked(subjects: Iterable[str], issued_at: int) -> bool:
    known = _known
    if not known:
        return False
    return any(subject in known and issued_at <= known[subject][0] for subject in subjects)


def latest(subject: str) -> int | None:
    """Up to when (Unix seconds) a subject was revoked: another figure than before tells who keeps anything of it that
    it was revoked since."""
    found = _known.get(subject)
    return found[0] if found else None


def look(now: datetime) -> None:
    """Learn what others have revoked, unless this process has looked within the last second.

    raises  DatabaseUnavailable or Busy where nobody has been able to look for ten seconds
    """
    came_at = time.monotonic()
    if came_at - _read_at < _LOOK_SECONDS:
        return
    with _looking:  # whoever comes meanwhile waits: what it knows may be older than a second
        at = time.monotonic()
        if at - _read_at < _LOOK_SECONDS or (at - _tried_at < _LOOK_SECONDS and at - _read_at < _STALE_SECONDS):
            return
        if came_at < _failed_at:  # who waited for a look that failed makes no other: each may take seconds
            if at - _read_at > _STALE_SECONDS:
                raise DatabaseUnavailable
            return
        _read_anew(at)
        if at - _dropped_at > _DROP_SECONDS:
            _drop_over(now)


def _read_anew(at: float) -> None:
    global _seen_until, _read_at, _tried_at, _failed_at
    _tried_at = at
    try:
        with statement() as connection:
            seen_until, rows = _SINCE.texts(connection, [_seen_until])
    except Refusal:
        _failed_at = time.monotonic()
        if at - _read_at > _STALE_SECONDS:
            raise
        return
    _learn({subject: (issued_until, until) for subject, issued_until, until in json.loads(rows)})
    _seen_until, _read_at = seen_until, at


def forget_known() -> None:
    """Begin anew, with another database."""
    global _known, _seen_until, _read_at, _tried_at, _failed_at
    with _changing:
        _known, _seen_until = {}, _EVERYTHING
        _read_at = _tried_at = _failed_at = float("-inf")


def forget(session: Session, *, now: datetime, most: int) -> int:
    """Drop up to `most` rows that stop no token any more; returns how many."""
    _drop_over(now)
    over = select(Revocation.subject).where(Revocation.until <= now).limit(most)
    gone = delete(Revocation).where(Revocation.subject.in_(over)).returning(Revocation.subject)
    return len(session.execute(gone).all())


def _learn(more: dict[str, tuple[int, int]]) -> None:
    global _known
    with _changing:
        news = {subject: entry for subject, entry in more.items() if _known.get(subject, (0, 0)) < entry}
        if news:
            _known = {**_known, **news}


def _drop_over(now: datetime) -> None:
    global _known, _dropped_at
    with _changing:
        _dropped_at = time.monotonic()
        _known = {subject: entry for subject, entry in _known.items() if entry[1] > now.timestamp()}
