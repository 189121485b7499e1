"""Exports: one JSON document of everything that every room holds on a customer, gathered by a worker."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth.models import ACTIVE, Customer
from auth.privacy import answers, rows
from auth.privacy.errors import ExportNotReady, ExportOver
from auth.privacy.models import GATHERING, READY, WAITING, PersonalExport, PersonalExportPart
from core import audit, clock, crypto, ids, work
from core.db import connection_of, transaction
from core.errors import NotFound
from core.holdings import Held
from core.work import nudge_after

LINE = "auth.exports"
SCHEMA_VERSION = 1
KEPT_FOR = timedelta(days=7)

#: Characters of a part: a part is written in a transaction of its own, and read into memory whole.
_PART = 64 * 1024
_LEASE = timedelta(minutes=2)

#: Gathering reads every table: nobody has that done more often.
_SAME_FOR = timedelta(hours=1)


def ask(session: Session, customer_id: UUID, *, actor: str, now: datetime) -> PersonalExport:
    """Have everything gathered. Asking again is the same export while that is under way and for an hour after it was
    asked for; an older one is dropped.

    raises  NotFound for whom nothing can be opened any more
    """
    is_active = Customer.status == ACTIVE
    query = select(Customer.id).where(Customer.id == customer_id, is_active).with_for_update(key_share=True)
    if session.scalar(query) is None:
        raise NotFound
    mine = PersonalExport.customer_id == customer_id
    is_fresh = or_(PersonalExport.state != READY, PersonalExport.asked_at > now - _SAME_FOR)
    standing = session.scalar(select(PersonalExport).where(mine, is_fresh).limit(1))
    if standing is not None:
        return standing

    session.execute(delete(PersonalExport).where(mine))
    export = PersonalExport(
        id=ids.new(), customer_id=customer_id, asked_by=actor, asked_at=now, expires_at=now + KEPT_FOR,
        state=WAITING, due_at=now,
    )  # fmt: skip
    session.add(export)
    change = {"export_id": str(export.id)}
    audit.record(
        session, actor=actor, action="customer.export", target=f"customer:{customer_id}", change=change, now=now
    )

    nudge_after(session, LINE)
    return export


def find(
    session: Session, export_id: UUID, *, customer_id: UUID, now: datetime, is_ready: bool = False
) -> PersonalExport:
    """raises  NotFound for what is somebody else's; ExportOver; ExportNotReady where it has to be"""
    export = session.get(PersonalExport, export_id)
    if export is None or export.customer_id != customer_id:
        raise NotFound
    if now >= export.expires_at:
        raise ExportOver
    if is_ready and export.state != READY:
        raise ExportNotReady
    return export


def parts(export: PersonalExport) -> Iterator[str]:
    """The document of a ready export, piece by piece, each read in a transaction of its own.

    raises  Erased
    """
    for number in range(1, (export.parts or 0) + 1):
        with transaction() as session:
            part = session.get_one(PersonalExportPart, (export.id, number))
            yield crypto.unseal(
                session, owner_id=export.customer_id, place=_place(number), row_id=export.id, ciphertext=part.content
            )


def work_off(now: datetime) -> int:
    """Gather the export that has waited longest; 0 when none waits."""
    with transaction() as session:
        _take_over_lost(session, now)
        token, claimed = work.claim(
            session, PersonalExport, waiting=WAITING, leased=GATHERING, limit=1, lease=_LEASE, now=now
        )
    for export in claimed:
        _gather(export, token, now)
    return len(claimed)


def forget(session: Session, *, now: datetime, most: int) -> int:
    """Drop up to `most` exports that are over; returns how many."""
    over = session.scalars(select(PersonalExport.id).where(PersonalExport.expires_at <= now).limit(most)).all()
    session.execute(delete(PersonalExport).where(PersonalExport.id.in_(over)))
    return len(over)


def _take_over_lost(session: Session, now: datetime) -> None:
    for export in work.lost_leases(session, PersonalExport, leased=GATHERING, limit=10, now=now):
        export.state, export.lease_token, export.lease_until = WAITING, None, None


def _gather(export: PersonalExport, token: UUID, now: datetime) -> None:
    """Read in a transaction that writes nothing, however long it takes; each part is written in one of its own, while
    nobody else has taken the export over: parts of two readings would make no document."""
    count = 0
    with transaction() as reading:
        connection_of(reading).execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for count, text in enumerate(_in_parts(_document(reading, export, now)), start=1):
            with transaction() as session:
                if not _is_ours_still(session, export.id, token):
                    return
                sealed = crypto.seal(
                    session, owner_id=export.customer_id, place=_place(count), row_id=export.id, text=text
                )
                row = insert(PersonalExportPart).values(export_id=export.id, number=count, content=sealed)
                session.execute(
                    row.on_conflict_do_update(
                        index_elements=["export_id", "number"], set_={"content": row.excluded.content}
                    )
                )
    with transaction() as session:
        if work.settle(session, PersonalExport, export.id, token, state=READY, parts=count, due_at=None):
            beyond = (PersonalExportPart.export_id == export.id, PersonalExportPart.number > count)
            session.execute(delete(PersonalExportPart).where(*beyond))


def _is_ours_still(session: Session, export_id: UUID, token: UUID) -> bool:
    """Hold on to an export for a while longer, and to its row until this transaction is over."""
    is_ours = (PersonalExport.id == export_id, PersonalExport.lease_token == token)
    held = update(PersonalExport).where(*is_ours).values(lease_until=clock.now() + _LEASE)
    return session.execute(held.returning(PersonalExport.id)).first() is not None


def _document(session: Session, export: PersonalExport, now: datetime) -> Iterator[str]:
    """The document's text as it is gathered: no room's rows ever lie in memory whole."""
    head = {
        "schema_version": SCHEMA_VERSION,
        "customer_id": str(export.customer_id),
        "gathered_at": now.isoformat(),
    }
    yield json.dumps(head)[:-1] + ', "rooms": {'
    for place, holder in enumerate(answers.holders()):
        yield f"{', ' if place else ''}{json.dumps(holder.room)}: {{"
        yield from _tables(session, [held for held in holder.held if held.is_told], export.customer_id)
        yield "}"
    yield "}}\n"


def _tables(session: Session, tables: Sequence[Held], customer_id: UUID) -> Iterator[str]:
    for place, held in enumerate(tables):
        name = held.table.partition(".")[2]
        yield f"{', ' if place else ''}{json.dumps(name)}: ["
        for number, row in enumerate(rows.told(session, held, customer_id)):
            yield f"{', ' if number else ''}{json.dumps(row, ensure_ascii=False)}"
        yield "]"


def _in_parts(texts: Iterator[str]) -> Iterator[str]:
    kept: list[str] = []
    length = 0
    for text in texts:
        kept.append(text)
        length += len(text)
        if length >= _PART:
            yield "".join(kept)
            kept, length = [], 0
    if kept:
        yield "".join(kept)


def _place(number: int) -> str:
    return f"auth.personal_export_part.content.{number}"
