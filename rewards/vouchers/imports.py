"""Importing codes: all of a file or nothing, or each line for itself, a part in each transaction.

A part's vouchers, its faults and the end of its lines commit together, so a worker that dies leaves whole parts only
and the next one goes on with the rest. Of all or nothing the codes are blocked until the last one stands, and gone
again if one cannot be had; every line is tried nevertheless, so that each bad one is named.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import crypto, ids
from core.db import Connection, connection_of
from core.events import announce
from rewards import terms
from rewards.vouchers import code_shapes, codes, uploads
from rewards.vouchers.events import CodesImported
from rewards.vouchers.models import ENDED, REFUSED, TILL, CodeBatch
from rewards.vouchers.rows import CODE_PLACE
from rewards.vouchers.uploads import Line

#: How many stand, or are gone, at a time once all lines were tried.
_AT_ONCE = 1_000

_FIRST = UUID(int=0)


def import_some(session: Session, batch: CodeBatch, *, now: datetime) -> int:
    """Take an import one step further; says how many codes that concerned.

    effects  announces codes.imported with the last step, unless nothing was imported
    """
    connection = connection_of(session)
    batch.due_at = now
    row = connection.execute(_PART, [batch.id]).fetchone()
    if row is not None:
        return _import_part(session, batch, *row)
    if batch.mode == "each":
        return _end(session, batch, ENDED, now=now)

    is_refused = bool(batch.refused)
    turn = [batch.id, batch.reached or _FIRST, _AT_ONCE]
    done = connection.execute(*((_DELETE, turn) if is_refused else (_ACTIVATE, [_stands(batch), *turn]))).fetchall()
    if not done:
        return _end(session, batch, REFUSED if is_refused else ENDED, now=now)
    batch.reached = max(row[0] for row in done)
    return len(done)


def _import_part(session: Session, batch: CodeBatch, position: int, sealed: bytes) -> int:
    """Write a part's codes. Those that other vouchers have are faults."""
    text = crypto.unseal(
        session,
        owner_id=batch.campaign_id,
        place=f"{uploads.PLACE}.{position}",
        row_id=batch.id,
        ciphertext=sealed,
    )
    index = codes.indexer()
    # In order of their indexes, so that two imports of the same codes wait for each other and never in a circle.
    lines = sorted((index(codes.normalise(shown)), (number, shown)) for number, shown in json.loads(text))
    ours = _write(session, batch, lines)
    faults = sorted((line[0], "code_taken") for code_index, line in lines if code_index not in ours)

    connection_of(session).execute(_DONE, [json.dumps(uploads.told(faults)), batch.id, position])
    batch.made, batch.refused = batch.made + len(lines) - len(faults), batch.refused + len(faults)
    return len(lines)


def _write(session: Session, batch: CodeBatch, lines: Sequence[tuple[bytes, Line]]) -> set[bytes]:
    """The indexes of those codes that are the batch's now."""
    connection = connection_of(session)
    of = terms.load_one(session, batch.campaign_id)
    seal = crypto.sealer(session, owner_id=of.campaign_id, place=CODE_PLACE)
    rows = [
        (made, code_index, seal(made, shown), codes.normalise(shown)[-4:])
        for made, (code_index, (_, shown)) in zip(ids.block(len(lines)), lines, strict=True)
    ]
    columns = [list(column) for column in zip(*rows, strict=True)]
    state = "blocked" if batch.mode == "all" else _stands(batch)
    # A gift card lasts from its sale on.
    told = [of.campaign_id, state, None if of.is_gift_card else of.ends_at, batch.created_at, batch.id]
    written = {row[0] for row in connection.execute(_INSERT, [*told, *columns])}
    code_shapes.note_free(connection, [codes.normalise(shown) for _, (_, shown) in lines])
    left = [code_index for code_index, _ in lines if code_index not in written]
    return written | _ours(connection, batch, left) if left else written


def _stands(batch: CodeBatch) -> str:
    """The state of a code once it is imported: a gift card waits for its sale."""
    return "inactive" if batch.funding == TILL else "active"


def _ours(connection: Connection, batch: CodeBatch, left: Sequence[bytes]) -> set[bytes]:
    """What an import wrote that was cut off while imports still ran inside their requests."""
    return {row[0] for row in connection.execute(_OURS, [list(left), batch.id])}


def _end(session: Session, batch: CodeBatch, state: str, *, now: datetime) -> int:
    connection = connection_of(session)
    session.flush()
    connection.execute(_TELL, [batch.id, batch.id])
    connection.execute(_FORGET, [batch.id])
    if state == REFUSED:
        batch.made, batch.refused = 0, batch.asked
    batch.end(state, now=now)
    if state == ENDED:
        announce(
            session,
            CodesImported(
                occurred_at=now,
                batch_id=batch.id,
                campaign_id=batch.campaign_id,
                count=batch.made,
                refused=batch.refused,
            ),
        )
    session.flush()
    return 1


_PART = """
    SELECT position, lines FROM rewards.code_upload
     WHERE batch_id = %s AND lines IS NOT NULL ORDER BY position LIMIT 1
"""

_DONE = "UPDATE rewards.code_upload SET lines = NULL, faults = %s WHERE batch_id = %s AND position = %s"

_TELL = """
    UPDATE rewards.code_batch SET faults = coalesce((
        SELECT jsonb_agg(f.fault ORDER BY (f.fault ->> 'line')::int)
          FROM rewards.code_upload u, jsonb_array_elements(u.faults) AS f (fault) WHERE u.batch_id = %s), '[]')
     WHERE id = %s
"""

_FORGET = "DELETE FROM rewards.code_upload WHERE batch_id = %s"

_INSERT = """
    INSERT INTO rewards.voucher (campaign_id, state, expires_at, issued_at, batch_id, used,
                                 id, code_index, code_ciphertext, last4)
    SELECT %s, %s, %s, %s, %s, 0, id, code_index, code_ciphertext, last4
      FROM unnest(%s::uuid[], %s::bytea[], %s::bytea[], %s::text[])
           WITH ORDINALITY AS v (id, code_index, code_ciphertext, last4, position)
     ORDER BY position
        ON CONFLICT (code_index) DO NOTHING
    RETURNING code_index
"""

_OURS = "SELECT code_index FROM rewards.voucher WHERE code_index = ANY(%s) AND batch_id = %s"

_NEXT = """
    SELECT id FROM rewards.voucher
     WHERE batch_id = %s AND id > %s AND state = 'blocked' ORDER BY id LIMIT %s
"""

_DELETE = f"DELETE FROM rewards.voucher WHERE id IN ({_NEXT}) RETURNING id"  # noqa: S608 - constants only

_ACTIVATE = f"UPDATE rewards.voucher SET state = %s WHERE id IN ({_NEXT}) RETURNING id"  # noqa: S608 - likewise
