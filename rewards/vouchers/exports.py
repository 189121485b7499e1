"""The codes of a batch for a printer: a CSV that streams, so that a million of them are never held at once."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import audit, crypto
from core.db import connection_of, transaction
from core.errors import NotFound
from rewards.vouchers import batches
from rewards.vouchers.models import IMPORTING, MAILING
from rewards.vouchers.rows import CODE_PLACE
from wallet.documents import csv

HEADER = ("code", "voucher_id", "status", "expires_at")

_AT_ONCE = 2_000


def begin(session: Session, batch_id: UUID, *, actor: str, now: datetime) -> None:
    """Note who takes the codes out, before the first one goes.

    raises   NotFound, also for a mailing: what customers were given is for their eyes; and for an unfinished import
    effects  an audit row
    """
    batch = batches.find(session, batch_id)
    if batch.kind == MAILING or batch.state == IMPORTING:
        raise NotFound
    change = {"batch_id": str(batch.id), "made": batch.made}
    target = f"campaign:{batch.campaign_id}"
    audit.record(session, actor=actor, action="codes.export", target=target, change=change, now=now)


def parts(batch_id: UUID, *, now: datetime) -> Iterator[bytes]:
    """The file, a page of codes at a time, each read in a transaction of its own. An entry point.

    A code that a customer has claimed is theirs: its line has no code.
    """
    yield csv.table(HEADER, [])
    after: UUID | None = None
    while True:
        with transaction() as session:
            rows = connection_of(session).execute(_PAGE, [batch_id, after, after, _AT_ONCE]).fetchall()
            told = [_line(session, row, now) for row in rows]
        if rows:
            yield csv.lines(told)
        if len(rows) < _AT_ONCE:
            return
        after = rows[-1][0]


def _line(session: Session, row: Sequence[Any], now: datetime) -> tuple[str | None, ...]:
    voucher_id, campaign_id, customer_id, ciphertext, state, used, expires_at = row
    code = None
    if customer_id is None:
        code = crypto.unseal(session, owner_id=campaign_id, place=CODE_PLACE, row_id=voucher_id, ciphertext=ciphertext)
    return (
        csv.words(code),
        str(voucher_id),
        _status(state, customer_id, used, expires_at, now),
        expires_at.isoformat() if expires_at else None,
    )


def _status(state: str, customer_id: UUID | None, used: int, expires_at: datetime | None, now: datetime) -> str:
    is_on_its_way = state == "inactive" and customer_id is not None
    if state != "active" and not is_on_its_way:
        return state
    if expires_at is not None and expires_at <= now:
        return "expired"
    if customer_id is not None:
        return "claimed"
    return "used" if used else "active"


_PAGE = """
    SELECT id, campaign_id, customer_id, code_ciphertext, state, used, expires_at
      FROM rewards.voucher WHERE batch_id = %s AND (%s::uuid IS NULL OR id > %s) ORDER BY id LIMIT %s
"""
