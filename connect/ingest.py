"""The ingest door's one deed: a batch of calls becomes events in the log, each once, before anyone hears 200."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session

from connect import events, identities
from connect.calls import Call
from connect.identities import Identity
from connect.sources import Source
from core import crypto, ids, personal
from core.db import statement, transaction
from wallet.arrays import array_literal

log = logging.getLogger("pocketful.connect")


@dataclass(frozen=True, slots=True)
class Taken:
    """logged: fresh events; repeated: messages that had come in before; dropped: personal fields of unknown people."""

    logged: int
    repeated: int
    dropped: int


class _Incoming(NamedTuple):
    """One call on its way into the log: whose it is, what may be logged of it and what must be sealed."""

    id: UUID
    call: Call
    identity: Identity
    clear: dict[str, Any]
    personal: dict[str, Any]


def take(calls: Sequence[Call], *, source: Source) -> Taken:
    """Log a batch by one statement, which is the whole writing transaction: it is committed when this returns. A
    messageId that this source sent before is skipped.

    Personal fields go to `event_private`, sealed under the customer's data key. Those of somebody we do not know have
    no key to be sealed under: they are dropped, and their names are logged.
    """
    calls = _once_each(calls)
    if not calls:
        return Taken(0, 0, 0)
    with statement() as connection:
        who = identities.of_calls(connection, calls, source=source)
    incoming = [
        _Incoming(id_, call, identity, *personal.split(call.content))
        for id_, call, identity in zip(ids.block(len(calls)), calls, who, strict=True)
    ]
    sealed = _seal([item for item in incoming if item.personal and item.identity.customer_id])
    with statement() as connection:
        row = connection.execute(_LOG, {"source": source.name, **_columns(incoming, sealed)}).fetchone()

    logged = int(row[0]) if row else 0
    dropped = [pointer for item in incoming if item.personal and item.id not in sealed for pointer in item.personal]
    if dropped:
        log.info("personal fields dropped", extra={"source": source.name, "fields": _names(dropped)})
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


def _seal(incoming: Sequence[_Incoming]) -> dict[UUID, bytes]:
    """Each event's ciphertext; nothing for an event whose customer was erased."""
    if not incoming:
        return {}
    with transaction() as session:
        return _seal_all(session, incoming)


def _seal_all(session: Session, incoming: Sequence[_Incoming]) -> dict[UUID, bytes]:
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


def _columns(incoming: Sequence[_Incoming], sealed: Mapping[UUID, bytes]) -> dict[str, str | list[str]]:
    return {
        "ids": array_literal([item.id for item in incoming]),
        "names": array_literal([events.kind_of(item.call.type, item.call.content).name for item in incoming]),
        "customers": array_literal([item.identity.customer_id for item in incoming]),
        "subjects": array_literal([item.identity.subject_id for item in incoming]),
        "times": array_literal([item.call.occurred_at for item in incoming]),
        "payloads": [_written(_payload(item)) for item in incoming],
        "messages": array_literal([item.call.message_id for item in incoming]),
        "sealed": array_literal([sealed.get(item.id) for item in incoming]),
    }


def _payload(item: _Incoming) -> dict[str, Any]:
    item.clear["message_id"] = item.call.message_id
    if item.identity.known_by:
        item.clear["known_by"] = item.identity.known_by
    return item.clear


#: Made once: `json.dumps` makes an encoder for each call that is no plain one.
_written = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode

#: Where `event_private.ciphertext` opens, and nowhere else.
PRIVATE_PLACE = "core.event_private.ciphertext"

# The receipts are taken in one order, so that two batches which share messages wait for each other and never deadlock.
# The payloads travel in binary (%b), as in `core.events.announce`.
_LOG = """
    WITH incoming AS MATERIALIZED (
        SELECT * FROM unnest(%(ids)s::uuid[], %(names)s::text[], %(customers)s::uuid[], %(subjects)s::text[],
                             %(times)s::timestamptz[], %(payloads)b::text[], %(messages)s::text[], %(sealed)s::bytea[])
               WITH ORDINALITY AS e (id, name, customer_id, subject_id, occurred_at, payload, message_id, ciphertext,
                                     position)
    ), fresh AS (
        INSERT INTO core.event_receipt (source, message_id)
        SELECT %(source)s, message_id FROM incoming WHERE message_id IS NOT NULL ORDER BY message_id
            ON CONFLICT DO NOTHING
        RETURNING message_id
    ), logged AS (
        INSERT INTO core.event
               (id, name, customer_id, subject_id, occurred_at, source, depth, payload)
        SELECT id, name, customer_id, subject_id, occurred_at, %(source)s, 0, payload::jsonb
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
