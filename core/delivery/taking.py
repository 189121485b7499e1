"""Taking messages up: which are due, whether their gate lets them pass, which way each goes, and the call to be made.

All of it is one transaction, by arrays: a broadcast sends thousands a second.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from core import crypto
from core.db import Connection, connection_of
from core.delivery import channels, progress, rates
from core.delivery.events import MessageEvent, MessageFailed, MessageSuppressed
from core.delivery.gates import AtGate, Drop, PutOff
from core.delivery.held import Batch, Line, Ready, Taken
from core.delivery.models import PURPOSES
from core.delivery.routes import Ways
from core.events import announce_all

# Three times the 20 s that a call may take (core.gateways.http), begun anew for each message right before its call.
LEASE = timedelta(seconds=60)
BATCH = 64

#: What nobody's consent or quiet hours hold back: a code that somebody waits for, a note to the brand's own staff.
_PAST_THE_GATE = frozenset({"sign_in", "staff"})


@dataclass(slots=True)
class _Sorted:
    """What becomes of a batch before anything leaves: (id, state, reason, due_at) of those that don't."""

    ready: list[Ready] = field(default_factory=list)
    ended: list[tuple[UUID, str, str, datetime | None]] = field(default_factory=list)
    facts: list[MessageEvent] = field(default_factory=list)

    def suppress(self, message: Taken, reason: str, *, now: datetime) -> None:
        self.ended.append((message.id, "suppressed", reason, None))
        self.facts.append(MessageSuppressed(reason=reason, **progress.facts(message, now=now)))

    def fail(self, message: Taken, reason: str, *, now: datetime) -> None:
        self.ended.append((message.id, "failed", reason, None))
        self.facts.append(MessageFailed(reason=reason, **progress.facts(message, now=now)))

    def put_off(self, message: Taken, until: datetime) -> None:
        self.ended.append((message.id, "pending", "", until))


def take(session: Session, line: Line, *, purposes: Collection[str] = PURPOSES, now: datetime) -> Batch:
    """The next messages of a line: a sign-in code never waits behind a campaign.

    effects  settles those that do not leave now: put off or dropped by their gate, expired, erased or malformed
    """
    connection, token = connection_of(session), uuid4()
    ways = line.ways(connection)
    there, most = ways.open(now), ways.most_at_once(now)
    wanted = [purpose for purpose in PURPOSES if purpose in purposes]
    asked = {"channel": line.channel, "purposes": wanted, "now": now, "token": token, "lease": LEASE}
    # A bucket is locked only where something waits for its tokens: a line that idles writes nothing.
    if line.rates and not connection.execute(_IS_DUE, asked).fetchone():
        return Batch(token, ways)
    tokens = rates.read(connection, line.rates, there, now=now)
    limit = min(BATCH if most is None else most, int(tokens.get(there[0], BATCH))) if there else 0
    if limit < 1:
        return Batch(token, ways)

    found = connection.execute(_CLAIM, {**asked, "limit": limit})
    rows = [Taken(**dict(zip(_COLUMNS, row, strict=True))) for row in found]
    if not rows:
        return Batch(token, ways)
    rows.sort(key=lambda message: (PURPOSES.index(message.purpose), message.due_at))
    sorted_ = _Sorted()
    passed = _through_the_gate(session, line, rows, sorted_, now=now)
    crypto.fetch_data_keys(session, [message.customer_id for message in passed])
    for message in passed:
        _prepare(session, line, ways, message, tokens, sorted_, now=now)
    _settle(connection, token, sorted_)
    announce_all(session, sorted_.facts)
    rates.keep(connection, tokens, now=now)
    return Batch(token, ways, len(rows), sorted_.ready)


def _through_the_gate(
    session: Session, line: Line, rows: Sequence[Taken], sorted_: _Sorted, *, now: datetime
) -> list[Taken]:
    in_time = []
    for message in rows:
        if message.expires_at is not None and message.expires_at <= now:
            sorted_.fail(message, "expired", now=now)
        else:
            in_time.append(message)
    asked = [message for message in in_time if message.purpose not in _PAST_THE_GATE]
    verdicts = line.gate(session, [_at_gate(message) for message in asked], now) if asked else {}
    passed = []
    for message in in_time:
        match verdicts.get(message.id):
            case Drop(reason):
                sorted_.suppress(message, reason, now=now)
            case PutOff(until):
                sorted_.put_off(message, until)
            case _:
                passed.append(message)
    return passed


def _prepare(
    session: Session,
    line: Line,
    ways: Ways,
    message: Taken,
    tokens: dict[str, float],
    sorted_: _Sorted,
    *,
    now: datetime,
) -> None:
    """Make one message ready for the way that it takes, or say why it does not leave."""
    route = ways.choose(message.refused_by, now)
    assert route is not None, "nothing is taken up while every route is closed"
    if tokens.get(route, 1.0) < 1.0:
        sorted_.put_off(message, now + timedelta(seconds=1 / line.rates[route]))
        return
    try:
        recipient, content = _opened(session, message)
        call = channels.call(
            line.gateway(route),
            channel=line.channel,
            message_id=message.id,
            recipient=recipient,
            content=content,
        )
    except crypto.Erased:
        sorted_.suppress(message, "erased", now=now)
    except (KeyError, TypeError, ValueError):
        sorted_.fail(message, "malformed", now=now)
    else:
        if route in tokens:
            tokens[route] -= 1.0
        sorted_.ready.append(Ready(message, route, call))


def _opened(session: Session, message: Taken) -> tuple[str, dict[str, Any]]:
    """The recipient and the content in clear.

    raises  crypto.Erased when the customer was erased
    """

    def unsealed(column: str, ciphertext: bytes) -> str:
        place = f"message.{column}"
        return crypto.unseal(
            session, owner_id=message.customer_id, place=place, row_id=message.id, ciphertext=ciphertext
        )

    content: dict[str, Any] = json.loads(unsealed("content", message.content))
    return unsealed("recipient", message.recipient), content


def _at_gate(message: Taken) -> AtGate:
    return AtGate(**{name: getattr(message, name) for name in AtGate.__slots__})


def _settle(connection: Connection, token: UUID, sorted_: _Sorted) -> None:
    if sorted_.ended:
        columns = [list(column) for column in zip(*sorted_.ended, strict=True)]
        connection.execute(_SETTLE, [*columns, token])


_IS_DUE = """
    SELECT 1 FROM core.message
     WHERE state = 'pending' AND channel = %(channel)s AND purpose = ANY(%(purposes)s) AND due_at <= %(now)s LIMIT 1
"""

_COLUMNS = tuple(Taken.__slots__)

# The branches of the purposes are asked in order, and no further than the limit reaches. The lease's token says whose
# each is from here on.
_CLAIM = f"""
    UPDATE core.message m
       SET state = 'claimed', lease_token = %(token)s, lease_until = %(now)s + %(lease)s::interval,
           attempts = m.attempts + 1
      FROM (SELECT due.id
              FROM unnest(%(purposes)s::text[]) AS asked (purpose),
                   LATERAL (SELECT id FROM core.message
                             WHERE state = 'pending' AND channel = %(channel)s AND purpose = asked.purpose
                               AND due_at <= %(now)s
                             ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED) AS due
             LIMIT %(limit)s) AS due
     WHERE m.id = due.id
    RETURNING {", ".join(f"m.{column}" for column in _COLUMNS)}
"""  # noqa: S608 - our own columns

# One that is only put off was not tried.
_SETTLE = """
    UPDATE core.message m
       SET state = ended.state, last_error = nullif(ended.reason, ''), due_at = coalesce(ended.due_at, m.due_at),
           attempts = m.attempts - CASE WHEN ended.state = 'pending' THEN 1 ELSE 0 END,
           lease_token = NULL, lease_until = NULL
      FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::timestamptz[]) AS ended (id, state, reason, due_at)
     WHERE m.id = ended.id AND m.lease_token = %s
"""
