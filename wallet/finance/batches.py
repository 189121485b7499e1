"""Batches of transfers: up to ten thousand lines, all or nothing, or each for itself.

Each line is posted, or declined for good, under its own reference as the key of the batch's own principal. So a batch
that was cut off is sent again as it is, and does only the rest; and what became of each line is read from there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import idempotency, ids
from core.db import connection_of, transaction
from core.errors import NotFound
from core.idempotency import KeyReused
from wallet import faults
from wallet.finance import batch_approvals, batch_lines, batch_posting
from wallet.finance.batch_models import REFUSED, RUNNING, TransferBatch
from wallet.finance.lines import Line

ALL_OR_NOTHING, EACH = "all_or_nothing", "each"
POSTED = "posted"

MOST_LINES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """key          names the batch among its principal's, for ever
    fingerprint  of the whole request, so that the key cannot name another one
    content      SHA-256 of the mode and the lines as they were sent, which is what a second person approves
    """

    principal: str
    key: str
    fingerprint: bytes
    content: bytes
    mode: str
    lines: Sequence[Line]
    approval_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one line; `code` and `detail` say why it was refused.

    replayed  it was so before the batch was sent this time
    """

    reference: str
    status: str
    transfer_id: UUID | None
    replayed: bool
    code: str | None
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """replayed  the whole batch had its answers before it was sent this time"""

    batch_id: UUID
    mode: str
    replayed: bool
    results: Sequence[Result]


def run(batch: Batch, *, now: datetime) -> Outcome:
    """Post a batch, or what is left of one that was cut off. An entry point: it opens its own transactions.

    raises   KeyReused for other lines under the key of an earlier batch; ApprovalNeeded for much without a second
             person's word, or what approvals.consume refuses; of all or nothing: the refusal of the first line that
             cannot be posted, with its place, kept for those who ask again
    effects  announces value.granted for each line that gives a customer something
    """
    row = _begin(batch, now)
    if row.refusal is not None:
        raise faults.thawed(row.refusal)
    before = batch_lines.standing(row)
    if row.status == RUNNING:
        left = [line for line in batch.lines if line.reference not in before]
        if batch.mode == EACH:
            batch_posting.post_each(row, left, now)
        else:
            batch_posting.post_all(row, left, now)
    after = before if row.status != RUNNING else batch_lines.standing(row)
    return Outcome(
        batch_id=row.id,
        mode=row.mode,
        replayed=row.status != RUNNING,
        results=[_result(line.reference, after[line.reference], line.reference in before) for line in batch.lines],
    )


def find(session: Session, batch_id: UUID) -> TransferBatch:
    """raises  NotFound"""
    found = session.get(TransferBatch, batch_id)
    if found is None:
        raise NotFound
    return found


def page(session: Session, *, before: UUID | None, limit: int) -> Sequence[TransferBatch]:
    """The latest first."""
    query = select(TransferBatch).order_by(TransferBatch.id.desc()).limit(limit)
    return session.scalars(query if before is None else query.where(TransferBatch.id < before)).all()


def results_of(session: Session, batch: TransferBatch, *, after: str | None, limit: int) -> list[Result]:
    """What became of a batch's lines, by their references."""
    rows = connection_of(session).execute(_PAGE_OF_LINES, [batch.lines_principal, after or "", limit]).fetchall()
    return [_result(reference, (transfer_id, refusal), replayed=False) for reference, transfer_id, refusal in rows]


def _begin(batch: Batch, now: datetime) -> TransferBatch:
    """The batch's row, new or as it stands."""
    with transaction() as session:
        batch_id = session.scalar(
            insert(TransferBatch)
            .values(
                id=ids.new(),
                principal=batch.principal,
                key=batch.key,
                fingerprint=batch.fingerprint,
                mode=batch.mode,
                line_count=len(batch.lines),
                created_at=now,
            )
            .on_conflict_do_nothing(constraint="uq_transfer_batch_principal_key")
            .returning(TransferBatch.id)
        )
        if batch_id is not None:
            idempotency.claim(session, principal=batch.principal, key=batch.key, fingerprint=batch.fingerprint, now=now)
            _check_approval(session, batch, batch_id, now)
        is_it = (TransferBatch.principal == batch.principal, TransferBatch.key == batch.key)
        row = session.scalars(select(TransferBatch).where(*is_it)).one()
    if row.fingerprint != batch.fingerprint:
        raise KeyReused
    return row


def _check_approval(session: Session, batch: Batch, batch_id: UUID, now: datetime) -> None:
    """Where the batch is new: an approval is used up by it, once."""
    if batch.approval_id is None:
        batch_approvals.refuse_unapproved(batch.lines)
        return
    batch_approvals.consume(
        session, batch.approval_id, content=batch.content, batch_id=batch_id, used_by=batch.principal, now=now
    )
    its_row = update(TransferBatch).where(TransferBatch.id == batch_id)
    session.execute(its_row.values(approval_id=batch.approval_id))


def _result(reference: str, stands: tuple[UUID, Any], replayed: bool) -> Result:
    transfer_id, refusal = stands
    return Result(
        reference=reference,
        status=POSTED if refusal is None else REFUSED,
        transfer_id=transfer_id if refusal is None else None,
        replayed=replayed,
        code=refusal and refusal["code"],
        detail=refusal and refusal["detail"],
    )


_PAGE_OF_LINES = """
    SELECT key, id, refusal FROM wallet.transfer WHERE principal = %s AND key > %s ORDER BY key LIMIT %s
"""
