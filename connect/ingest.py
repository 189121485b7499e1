"""The ingest door's one deed: a batch of calls becomes events in the log, each message once, before anyone hears 200."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from connect import events, identities, personal
from connect.calls import Call
from core import crypto, ids
from core.db import connection_of
from core.events.announce import columns_of

log = logging.getLogger("pocketful.connect")


@dataclass(frozen=True, slots=True)
class Taken:
    """logged: fresh events; repeated: messages that had come in before; dropped: personal fields of unknown people."""

    logged: int
    repeated: int
    dropped: int


@dataclass(frozen=True, slots=True)
class _Sealing:
    """Personal fields that wait to be sealed: those of one event."""

    event_id: UUID
    customer_id: UUID
    fields: dict[str, Any]


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
    made = [ids.new() for _ in calls]
    splits = [personal.split(call.content) for call in calls]
    sealings = [
        _Sealing(event_id, identity.customer_id, sealed)
        for event_id, identity, (_, sealed) in zip(made, who, splits, strict=True)
        if sealed and identity.customer_id
    ]
    private = _seal(session, sealings)
    facts = [
        events.made(
            type_=call.type,
            content=clear | {"message_id": call.message_id},
            customer_id=identity.customer_id,
            subject_id=identity.subject_id,
            occurred_at=call.occurred_at,
        )
        for call, identity, (clear, _) in zip(calls, who, splits, strict=True)
    ]
    columns = columns_of(facts, made, source=source)
    message_ids = [call.message_id for call in calls]
    row = connection.execute(
        _LOG, [*columns, message_ids, [private.get(event_id) for event_id in made], source]
    ).fetchone()
    logged = int(row[0]) if row else 0

    lost = [
        name for event_id, (_, sealed) in zip(made, splits, strict=True) if event_id not in private for name in sealed
    ]
    if lost:
        log.info("personal fields dropped", extra={"source": source, "fields": len(lost), "names": _names(lost)})
    return Taken(logged, len(calls) - logged, len(lost))


def _once_each(calls: Sequence[Call]) -> list[Call]:
    """The first call of each messageId; the database can only skip what an earlier statement wrote."""
    seen: set[str] = set()
    kept = []
    for call in calls:
        if call.message_id is None or call.message_id not in seen:
            kept.append(call)
        seen.add(call.message_id or "")
    return kept


def _seal(session: Session, sealings: Sequence[_Sealing]) -> dict[UUID, bytes]:
    """Each event's ciphertext; nothing for an event whose customer was erased."""
    crypto.fetch_data_keys(session, {sealing.customer_id for sealing in sealings})
    private: dict[UUID, bytes] = {}
    erased: set[UUID] = set()
    for sealing in sealings:
        if sealing.customer_id in erased:
            continue
        try:
            private[sealing.event_id] = crypto.seal(
                session,
                owner_id=sealing.customer_id,
                place=PRIVATE_PLACE,
                row_id=sealing.event_id,
                text=json.dumps(sealing.fields, separators=(",", ":")),
            )
        except crypto.Erased:
            erased.add(sealing.customer_id)
    return private


def _names(pointers: Sequence[str]) -> list[str]:
    """Where the fields stood, without list places and never with a key that itself tells who somebody is."""
    return sorted({pointer for pointer in pointers if not personal.tells(pointer.rpartition("/")[2])})[:20]


#: Where `event_private.ciphertext` opens, and nowhere else.
PRIVATE_PLACE = "core.event_private.ciphertext"

# The receipts are taken in one order, so that two batches which share messages wait for each other and never deadlock.
_LOG = """
    WITH incoming AS MATERIALIZED (
        SELECT * FROM unnest(%s::uuid[], %s::text[], %s::uuid[], %s::text[], %s::timestamptz[], %s::text[], %s::uuid[],
                             %s::smallint[], %s::text[], %s::text[], %s::text[], %s::bytea[])
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
