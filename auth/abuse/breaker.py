"""The breaker: where codes go unused no more of them are sent for a while, then some on trial.

A code counts as unused once it has run out: a crowd that asks in one minute is no fraud because nobody has typed yet.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from auth.abuse.events import OtpStopped
from core.db import connection_of
from core.events import announce

#: From so many on a scope is judged, by the codes of so long.
LEAST_SENT = 50
WINDOW = timedelta(hours=2)
#: At least one in so many is used, or else it is a machine that asks.
_ONE_IN = 10
STOP = timedelta(minutes=30)
TRIAL = 10
#: How long a code may be used: what was sent later is not judged.
_PATIENCE = timedelta(minutes=5)
_PERIOD_SECONDS = 300


def scopes_of(*, prefix: str, country: str | None, home: str) -> list[str]:
    """What is judged of a number, in the order in which it is locked. Not the brand's own country as a whole: messages
    there pay nobody, and whoever asks for enough of them could shut every new customer out."""
    return [f"prefix:{prefix}", *([f"country:{country}"] if country and country != home else [])]


def send(session: Session, scopes: Sequence[str], *, is_known: bool, now: datetime) -> int | None:
    """Count a code that is about to be sent; the seconds to wait where a scope is stopped.

    is_known  of who proved this number from here lately: passes, and is counted
    effects   may stop a scope, which announces otp.stopped
    """
    connection = connection_of(session)
    found = {row[0]: row for row in connection.execute(_STOPS, [list(scopes)])}
    if not is_known:
        judged = {row[0]: row for row in connection.execute(_JUDGED, [list(scopes), now - WINDOW, now - 2 * _PATIENCE])}
        for scope in scopes:
            wait = _stopped(session, found.get(scope), judged.get(scope), now=now)
            if wait is not None:
                return wait

    connection.execute(_SENT, [_period_of(now), list(scopes)])
    return None


def use(session: Session, scopes: Sequence[str], *, sent_at: datetime) -> None:
    """Count a code that was used."""
    connection = connection_of(session)
    connection.execute(_USED_ON_TRIAL, [list(scopes), sent_at])
    connection.execute(_USED, [list(scopes), _period_of(sent_at)])


def forget(session: Session, *, now: datetime, most: int) -> int:
    """Drop up to `most` tallies that nothing is judged by any more; returns how many."""
    return len(connection_of(session).execute(_FORGET, [now - WINDOW - timedelta(hours=1), most]).fetchall())


def _stopped(
    session: Session, stop: tuple[Any, ...] | None, judged: tuple[Any, ...] | None, *, now: datetime
) -> int | None:
    """The seconds for which a scope is stopped, be it from now on."""
    if stop is None:
        if judged is None or not _is_unused(sent=judged[1], used=judged[2], least=LEAST_SENT):
            return None
        return _stop(session, judged[0], now=now)
    scope, because, sent, used = str(stop[0]), stop[2], stop[3], stop[4]
    until: datetime = stop[1]
    if until > now:
        return math.ceil((until - now).total_seconds())
    connection = connection_of(session)
    if because == "staff":
        connection.execute("DELETE FROM auth.otp_stop WHERE scope = %s", [scope])
    elif sent < TRIAL:
        # The last one of the trial shuts the scope until it has run out; then the trial is judged.
        until = now + _PATIENCE if sent + 1 == TRIAL else until
        connection.execute("UPDATE auth.otp_stop SET sent = sent + 1, until = %s WHERE scope = %s", [until, scope])
    elif _is_unused(sent=sent, used=used, least=TRIAL):
        return _stop(session, scope, now=now)
    else:
        connection.execute("DELETE FROM auth.otp_stop WHERE scope = %s", [scope])
        connection.execute("DELETE FROM auth.otp_tally WHERE scope = %s", [scope])
    return None


def _is_unused(*, sent: int, used: int, least: int) -> bool:
    return sent >= least and used * _ONE_IN < sent


def _stop(session: Session, scope: str, *, now: datetime) -> int:
    connection_of(session).execute(_STOP, [scope, now + STOP, now])
    announce(session, OtpStopped(occurred_at=now, scope=scope, until=now + STOP))
    return int(STOP.total_seconds())


def _period_of(moment: datetime) -> datetime:
    return datetime.fromtimestamp(moment.timestamp() // _PERIOD_SECONDS * _PERIOD_SECONDS, UTC)


# Stops before tallies, prefixes before countries: in one order everywhere, as each row stays locked.
_STOPS = """
    SELECT scope, until, because, sent, used FROM auth.otp_stop
     WHERE scope = ANY(%s::text[]) ORDER BY scope DESC FOR UPDATE
"""

_JUDGED = """
    SELECT scope, sum(sent), sum(used) FROM auth.otp_tally
     WHERE scope = ANY(%s::text[]) AND period >= %s AND period <= %s
     GROUP BY scope
"""

_SENT = """
    INSERT INTO auth.otp_tally AS t (scope, period, sent, used)
    SELECT scope, %s, 1, 0 FROM unnest(%s::text[]) AS s (scope)
    ON CONFLICT (scope, period) DO UPDATE SET sent = t.sent + 1
"""

_USED_ON_TRIAL = """
    WITH stop AS MATERIALIZED (
        SELECT scope FROM auth.otp_stop
         WHERE scope = ANY(%s::text[]) AND stopped_at < %s ORDER BY scope DESC FOR UPDATE
    )
    UPDATE auth.otp_stop AS s SET used = used + 1 FROM stop WHERE s.scope = stop.scope AND s.used < s.sent
"""

_USED = """
    WITH tally AS MATERIALIZED (
        SELECT scope, period FROM auth.otp_tally
         WHERE scope = ANY(%s::text[]) AND period = %s ORDER BY scope DESC FOR UPDATE
    )
    UPDATE auth.otp_tally AS t SET used = used + 1 FROM tally
     WHERE t.scope = tally.scope AND t.period = tally.period AND t.used < t.sent
"""

_STOP = """
    INSERT INTO auth.otp_stop AS s (scope, until, because, stopped_at) VALUES (%s, %s, 'unused', %s)
    ON CONFLICT (scope) DO UPDATE SET until = excluded.until, because = 'unused', stopped_at = excluded.stopped_at,
                                      sent = 0, used = 0
"""

_FORGET = """
    DELETE FROM auth.otp_tally WHERE (scope, period) IN (
        SELECT scope, period FROM auth.otp_tally WHERE period < %s LIMIT %s
    ) RETURNING scope
"""
