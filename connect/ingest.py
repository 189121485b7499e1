"""The ingest door's one deed: a batch of calls becomes events in the log, each once, before anyone hears 200."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from connect import events, identities
from connect.calls import Call
from connect.identities import Identity
from core import crypto, ids, personal
from core.db import connection_of
from core.events import Event
from core.events.announce import columns_of

log = logging.getLogger("pocketful.connect")


@dataclass(frozen=True, slots=True)
class Taken:
    """logged: fresh events; repeated: messages that had come in before; dropped: personal fields of unknown people."""

    logged: int
    repeated: int
    dropped: int


@dataclass(frozen=True, slots=True)
class _Incoming:
    """One call on its way into the log: whose it is, what may be logged of it and what must be sealed."""

    id: UUID
    call: Call
    identity: Identity
    clear: dict[str, Any]
    personal: dict[str, Any]

    def event(self) -> Event:
        return events.made(
            type_=self.call.type,
            content=self.clear | {"message_id": self.call.message_id},
            customer_id=self.identity.customer_id,
            subject_id=self.identity.subject_id,
            occurred_at=self.call.occurred_at,
        )


def take(session: Session, calls: Sequence[Call], *, source: str) -> Taken:
    """Log a batch with one writing statement. A messageId that this source sent before is skipped.

    Personal fields go to `event_private`, sealed under the customer's data key. Those of somebody we do not know have
    no key to be sealed under: they are dropped, and their names are logged.
    """
    calls = _once_each(calls)
    if not calls:
        return Taken(0, 0, 0)
    connection = connection_of(session)
    who = identities.of_calls(connection, calls, source=source)
    incoming = [
        _Incoming(ids.new(), call, identity, *personal.split(call.content))
        for call, identity in zip(calls, who, strict=True)
    ]
    sealed = _seal(session, [item for item in incoming if item.personal and item.identity.customer_id])

    columns: list[list[Any]] = [
        *columns_of([item.event() for item in incoming], [item.id for item in incoming], source=source),
        [call.message_id for call in calls],
        [sealed.get(item.id) for item in incoming],
    ]
    row = connection.execute(_LOG, [*columns, source]).fetchone()

    logged = int(row[0]) if row else 0
    dropped = [pointer for item in incoming if item.id not in sealed for pointer in item.personal]
    if dropped:
        log.info("personal fields dropped", extra={"source": source, "fields": _names(dropped)})
    return Taken(logged, len(calls) - logged, len(dropped))


def _once_each(calls: Sequence[Call]) -> list[Call]:
    """The first call of each messageId; the database can only skip what an earlier statement wrote."""
    seen: set[str] = set()
    kept = []
    for call in calls:
        if call.message_id is None or call.message_id not in seen:
            kept.append(call)
        seen.add(call.message_id or "")
    return kept


def _seal(session: Session, incoming: Sequence[_Incoming]) -> dict[UUID, bytes]:
    """Each event's ciphertext; nothing for an event whose customer was erased."""
    crypto.fetch_data_keys(session, {item.identity.customer_id for item in incoming if item.identity.customer_id})
    sealed: dict[UUID, bytes] = {}
    erased: set[UUID] = set()
    for item in incoming:
        owner_id = item.identity.customer_id
        if owner_id is None or owner_id in erased:
            continue
        text = json.dumps(item.personal, separators=(",", ":"))
        try:
            sealed[item.id] = crypto.seal(session, owner_id=owner_id, place=PRIVATE_PLACE, row_id=item.id, text=text)
        except crypto.Erased:
            erased.add(owner_id)
    return sealed


def _names(pointers: Sequence[str]) -> list[str]:
    """Where the fields stood, without list places and never with a key that itself tells who somebody is."""
    return sorted({pointer for pointer in pointers if not personal.tells(pointer.rpartition("/")[2])})[:20]


#: Where `event_private.ciphertext` opens, and nowhere else.
PRIVATE_PLACE = "core.event_private.ciphertext"

# The receipts are taken in one order, so that two batches which share messages wait for each other and never deadlock.
# The payloads travel in binary (%b), as in `core.events.announce`.
_LOG = """
    WITH incoming AS MATERIALIZED (
        SELECT * FROM unnest(%s::uuid[], %s::text[], %s::uuid[], %s::text[], %s::timestamptz[], %s::text[], %s::uuid[],
                             %s::smallint[], %s::text[], %b::text[], %s::text[], %s::bytea[])
               WITH ORDINALITY AS e (id, name, customer_id, subject_id, occurred_at, source, caused_by, depth, trace,
                                     payload, message_id, ciphertext, position)
    ), fresh AS (
        INSERT INTO core.event_receipt (source, message_id)
        SELECT %s, message_id FROM incoming WHERE message_id IS NOT NULL ORDER BY message_id
            ON CONFLICT DO NOTHING
        RETURNING message_id
    ), logged AS (
        INSERT INTO core.event
               (id, name, customer_id, subject_id, occurred_at, source, caused_by, depth, trace, payload)
        SELECT id, name, customer_id, subject_id, occurred_at, source, caused_by, depth, trace, payload::jsonb
          FROM incoming
         WHERE message_id IS NULL OR message_id IN (SELECT message_id FROM fresh)
         ORDER BY position
        RETURNING id
    ), sealed AS (
        INSERT INTO core.event_private (event_id, customer_id, ciphertext)
        SELECT id, customer_id, ciphertext FROM incoming JOIN logged USING (id) WHERE ciphertext IS NOT NULL
    )
    SELECT count(*) FROM logged
"""
