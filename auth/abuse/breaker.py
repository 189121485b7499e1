"""The breaker: where codes go unused no more of them are sent for a while, then some on trial.

A code counts as unused once it has run out: a crowd that asks in one minute is no fraud because nobody has typed yet.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

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
    parameters = {"scopes": list(scopes), "since": now - WINDOW, "until": now - 2 * _PATIENCE}
    rows = connection.execute(_STANDING, parameters).fetchall()
    if not is_known:
        for row in rows:
            wait = _stopped(session, *row, now=now)
            if wait is not None:
                return wait

    connection.execute(_SENT, [_period_of(now), list(scopes)])
    return None


def use(session: Session, scopes: Sequence[str], *, sent_at: datetime) -> None:
    """Count a code that was used."""
    parameters = {"scopes": list(scopes), "sent_at": sent_at, "period": _period_of(sent_at)}
    connection_of(session).execute(_USED, parameters)


def forget(session: Session, *, now: datetime, most: int) -> int:
    """Drop up to `most` tallies that nothing is judged by any more, and stops that nobody has asked at for a day;
    returns how many tallies."""
    connection = connection_of(session)
    connection.execute("DELETE FROM auth.otp_stop WHERE until < %s", [now - timedelta(days=1)])
    return len(connection.execute(_FORGET, [now - WINDOW - timedelta(hours=1), most]).fetchall())


def _stopped(
    session: Session,
    scope: str,
    until: datetime | None,
    because: str | None,
    on_trial: int,
    used_on_trial: int,
    sent: int,
    used: int,
    *,
    now: datetime,
) -> int | None:
    """The seconds for which a scope is stopped, be it from now on."""
    if until is None:
        return _stop(session, scope, now=now) if _is_unused(sent=sent, used=used, least=LEAST_SENT) else None
    if until > now:
        return math.ceil((until - now).total_seconds())
    connection = connection_of(session)
    if because == "staff":
        connection.execute("DELETE FROM auth.otp_stop WHERE scope = %s", [scope])
    elif on_trial < TRIAL:
        # The last one of the trial shuts the scope until it has run out; then the trial is judged.
        until = now + _PATIENCE if on_trial + 1 == TRIAL else until
        connection.execute("UPDATE auth.otp_stop SET sent = sent + 1, until = %s WHERE scope = %s", [until, scope])
    elif _is_unused(sent=on_trial, used=used_on_trial, least=TRIAL):
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
_STANDING = """
    SELECT scope, stop.until, stop.because, coalesce(stop.sent, 0), coalesce(stop.used, 0),
           coalesce(judged.sent, 0), coalesce(judged.used, 0)
      FROM unnest(%(scopes)s::text[]) AS asked (scope)
      LEFT JOIN LATERAL (
        SELECT until, because, sent, used FROM auth.otp_stop AS o WHERE o.scope = asked.scope FOR UPDATE
      ) AS stop ON true
      LEFT JOIN LATERAL (
        SELECT sum(sent) AS sent, sum(used) AS used FROM auth.otp_tally AS t
         WHERE t.scope = asked.scope AND t.period >= %(since)s AND t.period <= %(until)s
      ) AS judged ON true
"""

_SENT = """
    INSERT INTO auth.otp_tally AS t (scope, period, sent, used)
    SELECT scope, %s, 1, 0 FROM unnest(%s::text[]) AS s (scope)
    ON CONFLICT (scope, period) DO UPDATE SET sent = t.sent + 1
"""

_USED = """
    WITH stop AS MATERIALIZED (
        SELECT scope FROM auth.otp_stop
         WHERE scope = ANY(%(scopes)s::text[]) AND stopped_at < %(sent_at)s ORDER BY scope DESC FOR UPDATE
    ), on_trial AS (
        UPDATE auth.otp_stop AS s SET used = used + 1 FROM stop
         WHERE s.scope = stop.scope AND s.used < s.sent RETURNING 1
    ), tally AS MATERIALIZED (
        SELECT scope, period FROM auth.otp_tally
         WHERE scope = ANY(%(scopes)s::text[]) AND period = %(period)s AND (SELECT count(*) FROM on_trial) >= 0
         ORDER BY scope DESC FOR UPDATE
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
