"""Files of codes from elsewhere, printed long ago perhaps: a CSV of one code a line.

Here a file is read, its bad lines are named, and what is left is put down in parts for the workers: sealed, since codes
are as good as money. `imports` goes on from there.
"""

import csv
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import crypto, idempotency, ids
from core.db import connection_of, transaction
from core.idempotency import KeyReused
from rewards import terms
from rewards.vouchers import batches, codes
from rewards.vouchers.errors import ImportRefused
from rewards.vouchers.models import IMPORT, IMPORTING, REFUSED, TILL, WAITING, CodeBatch

Mode = Literal["all", "each"]

MOST_LINES = 100_000
MOST_BYTES = 6_000_000

#: Lines of a part, which one transaction writes. Before parts were cut down to this, the steps of 100,000 lines took
#: 25 ms each, and 200 under a load of 21 on 2 cores; since then nobody has measured them.
AT_ONCE = 250

#: A gift card is money, and these codes were drawn by others: as long as ours at least, as such cards' numbers are.
_SHORTEST_OF_CARD = codes.LENGTH

PLACE = "rewards.code_upload.lines"

#: A problem names so many lines; the batch names all.
_MOST_TOLD = 1_000

_TELLS = {
    "cells": "There must be one code on a line, and nothing else.",
    "form": f"A code has {codes.SHORTEST} to {codes.LONGEST} letters A to Z and digits; hyphens and blanks are free.",
    "mistyped": "It looks like one of our own codes, with a typing error.",
    "short": "A gift card's code has at least 16 letters and digits, or people would find cards by trying some.",
    "twice": "The same code stands on an earlier line.",
    "code_taken": "Another voucher has this code.",
}

#: A line's number and its code, as it is to be shown; and a line's number and what is wrong with it.
Line = tuple[int, str]
Fault = tuple[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file to import. request_key: of whoever asks for it, which then names nothing else."""

    campaign_id: UUID
    data: bytes
    mode: Mode
    source: str
    actor: str
    request_key: str | None = None


def take(upload: Upload, *, now: datetime) -> CodeBatch:
    """Put a file down for the workers, or find how it stands. An entry point: it opens its own transaction, after the
    file was read.

    Gift cards that come in so are sold at tills.
    raises   NotFound; CampaignNotRunning for a campaign that is over; KeyReused for another file under the same source;
             ImportRefused for no list of codes, and in mode "all" for bad lines, each of them named
    effects  an audit row
    """
    lines, faults, count = read(upload.data)
    fingerprint = _fingerprint(upload)
    with transaction() as session:
        of = terms.load_one(session, upload.campaign_id)
        batches.check_not_over(of, now)
        if of.is_gift_card:
            lines, faults = _without_short(lines, faults)
        funding = TILL if of.is_gift_card else None
        batch = _batch(session, upload, fingerprint, count, funding, now=now)
        # One that was under way when imports still ran inside their requests waits for its file, too.
        if batch.state == IMPORTING:
            if upload.mode == "all" and faults:
                batch.faults, batch.refused = told(faults), count
                batch.end(REFUSED, now=now)
            else:
                _put_down(session, batch, lines, faults)
                batch.mode, batch.state, batch.due_at, batch.lease_until = upload.mode, WAITING, now, None
                batch.made, batch.refused = 0, len(faults)
    if batch.state == REFUSED:
        raise _refusal(batch)
    return batch


def read(data: bytes) -> tuple[list[Line], list[Fault], int]:
    """The good lines, the bad ones with why, and how many there are.

    raises  ImportRefused for what is no CSV in UTF-8, has no line or too many
    """
    try:
        text = data.decode("utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        rows = [(reader.line_num, row) for row in reader if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ImportRefused("This is no CSV in UTF-8") from error
    if rows and [cell.strip().lower() for cell in rows[0][1]] == ["code"]:
        rows = rows[1:]
    if not 1 <= len(rows) <= MOST_LINES:
        raise ImportRefused(f"A file has 1 to {MOST_LINES:,} codes, and this one has {len(rows):,}")

    found: dict[str, Line] = {}
    faults: list[Fault] = []
    for number, row in rows:
        shown = row[0].strip().upper()
        normal = codes.normalise(shown)
        if len(row) != 1:
            faults.append((number, "cells"))
        elif not (codes.SHORTEST <= len(normal) <= codes.LONGEST and normal.isascii() and normal.isalnum()):
            faults.append((number, "form"))
        elif codes.is_mistyped(normal):
            faults.append((number, "mistyped"))
        elif normal in found:
            faults.append((number, "twice"))
        else:
            found[normal] = (number, shown)
    return list(found.values()), faults, len(rows)


def _without_short(lines: Sequence[Line], faults: Sequence[Fault]) -> tuple[list[Line], list[Fault]]:
    short = {number for number, shown in lines if len(codes.normalise(shown)) < _SHORTEST_OF_CARD}
    kept = [line for line in lines if line[0] not in short]
    return kept, sorted([*faults, *[(number, "short") for number in short]])


def told(faults: Sequence[Fault]) -> list[dict[str, object]]:
    """Faults as they are kept and shown."""
    return [{"line": number, "code": code} for number, code in faults]


def _fingerprint(upload: Upload) -> bytes:
    content = hashlib.sha256(upload.data).hexdigest()
    return crypto.blind_index("codes.import", f"{upload.campaign_id} {upload.mode} {content}")


def _batch(
    session: Session, upload: Upload, fingerprint: bytes, count: int, funding: str | None, *, now: datetime
) -> CodeBatch:
    """The import's row, locked: new, in the state `importing`, or as it stands.

    raises  KeyReused
    """
    row = insert(CodeBatch).values(
        id=ids.new(),
        campaign_id=upload.campaign_id,
        kind=IMPORT,
        funding=funding,
        asked=count,
        source=upload.source,
        mode=upload.mode,
        fingerprint=fingerprint,
        created_by=upload.actor,
        created_at=now,
        state=IMPORTING,
    )
    is_new = session.scalar(row.on_conflict_do_nothing(index_elements=["source"]).returning(CodeBatch.id))
    batch = session.scalars(select(CodeBatch).where(CodeBatch.source == upload.source).with_for_update()).one()
    if batch.fingerprint != fingerprint:
        raise KeyReused
    if is_new:
        if upload.request_key is not None:
            idempotency.claim(session, principal=upload.actor, key=upload.request_key, fingerprint=fingerprint, now=now)
        crypto.create_data_keys(session, [upload.campaign_id])
        batches.record(session, batch, now=now)
    return batch


def _put_down(session: Session, batch: CodeBatch, lines: Sequence[Line], faults: Sequence[Fault]) -> None:
    """The lines in parts, and what is wrong with the file as a part of its own."""
    parts = [lines[start : start + AT_ONCE] for start in range(0, len(lines), AT_ONCE)]
    rows: list[tuple[UUID, int, bytes | None, str]] = []
    for position, part in enumerate(parts):
        seal = crypto.sealer(session, owner_id=batch.campaign_id, place=f"{PLACE}.{position}")
        rows.append((batch.id, position, seal(batch.id, json.dumps(part)), "[]"))
    if faults:
        rows.append((batch.id, len(parts), None, json.dumps(told(faults))))
    with connection_of(session).cursor() as cursor, cursor.copy(_COPY) as copy:
        for row in rows:
            copy.write_row(row)


def _refusal(batch: CodeBatch) -> ImportRefused:
    errors = [
        {"pointer": f"/{fault['line']}", "code": fault["code"], "detail": _TELLS[fault["code"]]}
        for fault in batch.faults[:_MOST_TOLD]
    ]
    return ImportRefused(errors=errors, batch_id=str(batch.id), refused=len(batch.faults))


_COPY = "COPY rewards.code_upload (batch_id, position, lines, faults) FROM STDIN"
