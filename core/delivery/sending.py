"""Sending one batch: take up and commit; then group by group mark as sending and commit, call, record and commit.

While one group is called, the one before is recorded and the next one is marked; no transaction waits for a provider. A
message is given to a provider again only when the one before surely did not take it: every other ending is recorded, or
in doubt. A process that dies leaves at most two groups in doubt: those that it had marked and not recorded yet.
"""

import logging
import traceback
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Executor
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy.orm import Session

from core import clock
from core.db import connection_of, transaction
from core.delivery import recording, routes, taking
from core.delivery.held import Batch, Line, Ready
from core.delivery.models import PURPOSES
from core.delivery.recording import Ended
from core.delivery.taking import LEASE
from core.errors import Busy, DatabaseUnavailable
from core.gateways.outcomes import Outcome, Unknown

# Providers answer in tens of milliseconds, nearly all of it waiting; twice as many are in doubt when a process dies.
AT_ONCE = 16
# Each waits two seconds for a lock or five for a connection, so together they fit into a lease.
RECORDINGS = 3

_log = logging.getLogger(__name__)


def send_some(line: Line, threads: Executor, *, purposes: Collection[str] = PURPOSES, now: datetime) -> int:
    """Send one batch of what is due on a line; returns how many messages were taken up.

    effects  announces what became of each; after a crash `recover_lost` deals with what this process held
    """
    with transaction() as session:
        batch = taking.take(session, line, purposes=purposes, now=now)
        groups = [batch.ready[start : start + AT_ONCE] for start in range(0, len(batch.ready), AT_ONCE)]
        calling, marked = ([_mark(session, batch.token, group, now=clock.now()) for group in groups[:2]] + [[], []])[:2]

    running = [threads.submit(_call, ready) for ready in calling]
    for following in [*groups[2:], [], []][: len(groups)]:
        ended = [call.result() for call in running]
        running = [threads.submit(_call, ready) for ready in marked]
        marked = keep(partial(_record, line, batch, ended, following))
    return batch.count


def _record(line: Line, batch: Batch, ended: Sequence[Ended], following: Sequence[Ready]) -> list[Ready]:
    """Record one group and mark another, whose calls are made once both are committed."""
    now, token = clock.now(), batch.token
    with transaction() as session:
        connection = connection_of(session)
        ways = batch.ways if all(routes.went_well(one.outcome) for one in ended) else line.ways(connection)
        recording.record(session, ways, token, ended, now=now)
        if not following:
            return []
        # A group may have closed its route: what has not been called yet need not follow it.
        there = (ways if ways is batch.ways else line.ways(connection)).open(now)
        closed = [one.message.id for one in following if one.route not in there]
        if closed:
            connection.execute(_RELEASE, [now, closed, token])
        return _mark(session, token, [one for one in following if one.route in there], now=now)


def _mark(session: Session, token: UUID, group: Sequence[Ready], *, now: datetime) -> list[Ready]:
    """Commit that the calls are about to be made; those whose lease was lost meanwhile are left out."""
    asked = {
        "ids": [one.message.id for one in group],
        "routes": [one.route for one in group],
        "token": token,
        "now": now,
        "lease": LEASE,
    }
    ours = {row[0] for row in connection_of(session).execute(_MARK, asked)}
    return [one for one in group if one.message.id in ours]


def _call(ready: Ready) -> Ended:
    try:
        outcome: Outcome = ready.call()
    except Exception as error:  # a gateway promises not to raise; should it, nobody can tell what the provider did
        # Its own words may hold an address or a text, so only its kind and its place stay.
        place = "".join(traceback.format_tb(error.__traceback__))
        _log.error("a gateway raised %s while sending message %s\n%s", type(error).__name__, ready.message.id, place)
        outcome = Unknown(reason=type(error).__name__)
    return Ended(ready, outcome)


def keep(record: Callable[[], list[Ready]]) -> list[Ready]:
    """Record outcomes, trying again where the database is busy: unrecorded, the messages would be in doubt."""
    for _ in range(RECORDINGS - 1):
        try:
            return record()
        except (Busy, DatabaseUnavailable):
            continue
    return record()


_MARK = """
    UPDATE core.message m
       SET state = 'sending', lease_until = %(now)s + %(lease)s::interval, provider = marked.route,
           called_at = %(now)s
      FROM unnest(%(ids)s::uuid[], %(routes)s::text[]) AS marked (id, route)
     WHERE m.id = marked.id AND m.state = 'claimed' AND m.lease_token = %(token)s AND m.lease_until > %(now)s
    RETURNING m.id
"""

_RELEASE = """
    UPDATE core.message
       SET state = 'pending', due_at = %s, attempts = attempts - 1, lease_token = NULL, lease_until = NULL
     WHERE id = ANY(%s) AND state = 'claimed' AND lease_token = %s
"""
