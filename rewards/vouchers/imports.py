"""Codes from elsewhere, printed long ago perhaps: a CSV of one code a line, all or nothing, or each for itself.

Codes are written in chunks that hold nobody up. Of all or nothing they are blocked until the last one stands, and gone
again if one cannot be had; so an import that was cut off shows nothing, and is sent again as it is.
"""

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import crypto, ids
from core.db import connection_of, transaction
from core.events import announce
from core.idempotency import InFlight, KeyReused
from rewards import terms
from rewards.vouchers import batches, code_shapes, codes
from rewards.vouchers.errors import ImportRefused
from rewards.vouchers.events import CodesImported
from rewards.vouchers.models import ENDED, IMPORT, IMPORTING, REFUSED, CodeBatch
from rewards.vouchers.rows import CODE_PLACE

Mode = Literal["all", "each"]

MOST_LINES = 100_000
MOST_BYTES = 6_000_000

_AT_ONCE = 500

#: So long an import has for itself before who sends it again takes it over.
_LEASE = timedelta(seconds=60)

#: A problem names so many lines; the batch names all.
_MOST_TOLD = 1_000

_TELLS = {
    "cells": "There must be one code on a line, and nothing else.",
    "form": f"A code has {codes.SHORTEST} to {codes.LONGEST} letters A to Z and digits; hyphens and blanks are free.",
    "mistyped": "It looks like one of our own codes, with a typing error.",
    "twice": "The same code stands on an earlier line.",
    "code_taken": "Another voucher has this code.",
}


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    shown: str
    code_index: bytes


def take(data: bytes, *, campaign_id: UUID, mode: Mode, source: str, actor: str, now: datetime) -> CodeBatch:
    """Import a file of codes, or what is left of one that was cut off. An entry point: it opens its own transactions.

    raises   NotFound; CouponsOnly; CampaignNotRunning for a campaign that is over; KeyReused for another file under
             the same source; InFlight; in mode "all" ImportRefused, which names each bad line
    effects  announces codes.imported; an audit row
    """
    lines, faults, count = _read(data)
    batch = _begin(data, campaign_id, mode, source, actor, count, now)
    if batch.state == IMPORTING:
        if not (faults and mode == "all"):
            faults += _write_all(batch, lines, mode)
        if faults and mode == "all":
            _delete_all(batch)
        elif mode == "all":
            _activate_all(batch)
        batch = _end(batch.id, sorted(faults), mode, now)
    if batch.state == REFUSED:
        raise _refusal(batch)
    return batch


def _refusal(batch: CodeBatch) -> ImportRefused:
    told = [
        {"pointer": f"/{fault['line']}", "code": fault["code"], "detail": _TELLS[fault["code"]]}
        for fault in batch.faults[:_MOST_TOLD]
    ]
    return ImportRefused(errors=told, batch_id=str(batch.id), refused=len(batch.faults))


def _read(data: bytes) -> tuple[list[_Line], list[tuple[int, str]], int]:
    """The good lines in order of their indexes, the bad ones with why, and how many there are.

    raises  ImportRefused for what is no CSV in UTF-8, has no line or too many
    """
    try:
        text = data.decode("utf-8-sig")
        read = csv.reader(io.StringIO(text, newline=""), strict=True)
        rows = [(read.line_num, row) for row in read if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ImportRefused("This is no CSV in UTF-8") from error
    if rows and [cell.strip().lower() for cell in rows[0][1]] == ["code"]:
        rows = rows[1:]
    if not 1 <= len(rows) <= MOST_LINES:
        raise ImportRefused(f"A file has 1 to {MOST_LINES:,} codes, and this one has {len(rows):,}")

    index = codes.indexer()
    found: dict[bytes, _Line] = {}
    faults: list[tuple[int, str]] = []
    for number, row in rows:
        shown = row[0].strip().upper()
        normal = codes.normalise(shown)
        if len(row) != 1:
            faults.append((number, "cells"))
        elif not (codes.SHORTEST <= len(normal) <= codes.LONGEST and normal.isascii() and normal.isalnum()):
            faults.append((number, "form"))
        elif codes.is_mistyped(normal):
            faults.append((number, "mistyped"))
        elif (code_index := index(normal)) in found:
            faults.append((number, "twice"))
        else:
            found[code_index] = _Line(number, shown, code_index)
    return sorted(found.values(), key=lambda line: line.code_index), faults, len(rows)


def _begin(data: bytes, campaign_id: UUID, mode: Mode, source: str, actor: str, count: int, now: datetime) -> CodeBatch:
    """The import's row, new or as it stands, under a lease of our own."""
    content = hashlib.sha256(data).hexdigest()
    fingerprint = crypto.blind_index("codes.import", f"{campaign_id} {mode} {content}")
    with transaction() as session:
        batches.check_open_to_codes(terms.load_one(session, campaign_id), now)
        row = insert(CodeBatch).values(
            id=ids.new(),
            campaign_id=campaign_id,
            kind=IMPORT,
            asked=count,
            source=source,
            fingerprint=fingerprint,
            created_by=actor,
            created_at=now,
            state=IMPORTING,
        )
        is_new = session.scalar(row.on_conflict_do_nothing(index_elements=["source"]).returning(CodeBatch.id))
        batch = session.scalars(select(CodeBatch).where(CodeBatch.source == source).with_for_update()).one()
        if batch.fingerprint != fingerprint:
            raise KeyReused
        if batch.state == IMPORTING and batch.lease_until is not None and batch.lease_until > now:
            raise InFlight
        batch.lease_until = now + _LEASE
        if is_new:
            crypto.create_data_keys(session, [campaign_id])
            batches.record(session, batch, now=now)
    return batch


def _write_all(batch: CodeBatch, lines: Sequence[_Line], mode: Mode) -> list[tuple[int, str]]:
    """Write the codes; those that other vouchers have are faults. What an earlier try wrote is ours."""
    faults: list[tuple[int, str]] = []
    for start in range(0, len(lines), _AT_ONCE):
        chunk = lines[start : start + _AT_ONCE]
        with transaction() as session:
            ours = _write(session, batch, chunk, "blocked" if mode == "all" else "active")
        faults += [(line.number, "code_taken") for line in chunk if line.code_index not in ours]
    return faults


def _write(session: Session, batch: CodeBatch, chunk: Sequence[_Line], state: str) -> set[bytes]:
    """The indexes of those codes that are the batch's now."""
    connection = connection_of(session)
    of = terms.load_one(session, batch.campaign_id)
    seal = crypto.sealer(session, owner_id=of.campaign_id, place=CODE_PLACE)
    rows = [
        (made, line.code_index, seal(made, line.shown), codes.normalise(line.shown)[-4:])
        for made, line in zip(ids.block(len(chunk)), chunk, strict=True)
    ]
    columns = [list(column) for column in zip(*rows, strict=True)]
    told = [of.campaign_id, state, of.ends_at, batch.created_at, batch.id]
    written = {row[0] for row in connection.execute(_INSERT, [*told, *columns])}
    code_shapes.note_free(connection, [codes.normalise(line.shown) for line in chunk])
    left = [line.code_index for line in chunk if line.code_index not in written]
    return written | {row[0] for row in connection.execute(_OURS, [left, batch.id])} if left else written


def _delete_all(batch: CodeBatch) -> None:
    """Of an import that is refused nothing stays. It was blocked, so nobody has used any of it."""
    _in_chunks(_DELETE, batch.id)


def _activate_all(batch: CodeBatch) -> None:
    _in_chunks(_ACTIVATE, batch.id)


def _in_chunks(query: str, batch_id: UUID) -> None:
    after = UUID(int=0)
    while True:
        with transaction() as session:
            done = connection_of(session).execute(query, [batch_id, after, _AT_ONCE]).fetchall()
        if not done:
            return
        after = max(row[0] for row in done)


def _end(batch_id: UUID, faults: Sequence[tuple[int, str]], mode: Mode, now: datetime) -> CodeBatch:
    with transaction() as session:
        batch = session.get_one(CodeBatch, batch_id, with_for_update=True)
        if batch.state != IMPORTING:
            return batch  # a twin whose lease we took over was there first after all
        batch.faults = [{"line": number, "code": code} for number, code in faults]
        if faults and mode == "all":
            batch.refused = batch.asked
            batch.end(REFUSED, now=now)
            return batch
        batch.refused, batch.made = len(faults), batch.asked - len(faults)
        batch.end(ENDED, now=now)
        announce(session, _fact(batch, now))
        return batch


def _fact(batch: CodeBatch, now: datetime) -> CodesImported:
    return CodesImported(
        occurred_at=now,
        batch_id=batch.id,
        campaign_id=batch.campaign_id,
        count=batch.made,
        refused=batch.refused,
    )


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

_ACTIVATE = f"UPDATE rewards.voucher SET state = 'active' WHERE id IN ({_NEXT}) RETURNING id"  # noqa: S608 - likewise
