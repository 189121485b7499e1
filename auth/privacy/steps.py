"""The steps of an erasure, each in transactions of its own: killed between any two, it goes on where it was.

What must not be lost comes first: the register's line, then the key, without which whatever is sealed opens for nobody.
Only then are rows dropped, room by room.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.federated import identities
from auth.models import ERASED, Customer
from auth.privacy import answers, models, receipts, rows, tombstones
from auth.privacy.events import CustomerErased
from auth.privacy.models import Erasure
from core import crypto
from core.db import connection_of, transaction
from core.errors import Refusal
from core.events import announce
from core.holdings import Held, Parting

#: What a reader of the log that was behind has written meanwhile is looked for again, until there is nothing.
_LOOKED_AGAIN_AFTER = timedelta(hours=1)

_PUT_OFF = timedelta(seconds=30)

_log = structlog.get_logger(__name__)


def work_off(now: datetime) -> int:
    """Take the erasure that has waited longest one step further; 0 when none waits."""
    with transaction() as session:
        query = select(Erasure).where(Erasure.due_at <= now).order_by(Erasure.due_at).limit(1)
        erasure = session.scalar(query)
    if erasure is None:
        return 0
    try:
        if erasure.state == models.ERASED:
            _look_again(erasure, now)
        else:
            _next_step(erasure)(erasure, now)
    except Exception as error:
        _log.exception("erasure.failed", erasure_id=str(erasure.id))
        _put_off(erasure, error, now)
    return 1


def _put_off(erasure: Erasure, error: Exception, now: datetime) -> None:
    """Let the others go on; what failed tells its kind alone, since its words may be anybody's."""
    with transaction() as session:
        row = _locked(session, erasure.id)
        if row:
            row.attempts += 1
            row.due_at = now + min(row.attempts * _PUT_OFF, _LOOKED_AGAIN_AFTER)
            row.last_error = type(error).__name__


def _next_step(erasure: Erasure) -> Callable[[Erasure, datetime], None]:
    for name, step in _FIRST.items():
        if name not in erasure.steps:
            return step
    return _end if all(_is_done(erasure, held) for held in _to_erase()) else _erase_more


def _part_again(erasure: Erasure, now: datetime) -> None:
    """In a restored backup the customer still walks journeys and holds coupons. What a room refuses stays as it is,
    since nobody can sign in to settle it."""
    with transaction() as session:
        row = _locked(session, erasure.id)
        if row:
            if not row.parted and session.get(Customer, row.customer_id) is not None:
                row.parted = {room: _parted(session, part, row.customer_id, now) for room, part in answers.partings()}
            row.steps = {**row.steps, "parted": True}


def _parted(session: Session, part: Parting, customer_id: UUID, now: datetime) -> dict[str, Any]:
    try:
        with session.begin_nested():
            return dict(part(session, customer_id, now))
    except Refusal as refusal:
        return {"refused": refusal.code}


def _ask_ledger(erasure: Erasure, now: datetime) -> None:
    proof = proofs(erasure.customer_id)
    with transaction() as session:
        row = _locked(session, erasure.id)
        if row and row.before is None:
            row.before = dict(proof)
            row.steps = {**row.steps, "before": True}


def _drop_identities(erasure: Erasure, now: datetime) -> None:
    """While the key still opens what Apple is told with; in a restored backup it is gone, and Apple was told then."""
    with transaction() as session:
        row = _locked(session, erasure.id)
        if row:
            has_key = session.get(crypto.DataKey, row.customer_id) is not None
            dropped = identities.drop_all(session, row.customer_id, now) if has_key else 0
            row.steps = {**row.steps, "identities": dropped}


def _register(erasure: Erasure, now: datetime) -> None:
    stone = tombstones.append(erasure)  # before the transaction: the disk takes the time that it takes
    with transaction() as session:
        row = _locked(session, erasure.id)
        if row:
            row.steps = {**row.steps, "register": {"number": stone.number, "chain": stone.chain}}


def _destroy_key(erasure: Erasure, now: datetime) -> None:
    with transaction() as session:
        row = _locked(session, erasure.id)
        if row:
            crypto.destroy_data_key(session, row.customer_id)
            row.steps = {**row.steps, "key": "destroyed"}


#: What comes first, in this order.
_FIRST: dict[str, Callable[[Erasure, datetime], None]] = {
    "parted": _part_again,
    "before": _ask_ledger,
    "identities": _drop_identities,
    "register": _register,
    "key": _destroy_key,
}


def _erase_more(erasure: Erasure, now: datetime) -> None:
    """One chunk of one table; several tables that hold nothing on the customer are passed by at once."""
    for held in _to_erase():
        if _is_done(erasure, held):
            continue
        found = _find(held, erasure.customer_id)
        with transaction() as session:
            row = _locked(session, erasure.id)
            if row is None or _is_done(row, held):
                return
            count = rows.erase(connection_of(session), held, row.customer_id, found) if found else 0
            standing = row.steps.get(held.table, {"rows": 0})
            is_done = len(found) < rows.CHUNK
            row.steps = {**row.steps, held.table: {"rows": standing["rows"] + count, "done": is_done}}
            erasure.steps = row.steps
        if not is_done:
            return


def _end(erasure: Erasure, now: datetime) -> None:
    after = proofs(erasure.customer_id)
    with transaction() as session:
        row = _locked(session, erasure.id)
        if row is None or row.state == models.ERASED:
            return
        customer = session.get(Customer, row.customer_id)
        if customer is not None:
            customer.status = ERASED
        row.receipt = receipts.sign(row, after=after, now=now)
        row.state, row.done_at, row.due_at = models.ERASED, now, now + _LOOKED_AGAIN_AFTER
        announce(session, CustomerErased(occurred_at=now, erasure_id=row.id))


def _look_again(erasure: Erasure, now: datetime) -> None:
    is_clean = True
    for held in _to_erase():
        found = _find(held, erasure.customer_id)
        if found:
            is_clean = False
            with transaction() as session:
                rows.erase(connection_of(session), held, erasure.customer_id, found)
    with transaction() as session:
        row = _locked(session, erasure.id)
        if row:
            row.due_at = None if is_clean else now + _LOOKED_AGAIN_AFTER


def proofs(customer_id: UUID) -> Mapping[str, Any]:
    """What the rooms have to show that an erasure leaves as it is; read in a transaction that writes nothing."""
    proven: dict[str, Any] = {}
    with transaction() as session:
        connection = connection_of(session)
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for holder in answers.holders():
            if holder.proof is not None:
                proven[holder.room] = dict(holder.proof(connection, customer_id))
    return proven


def _to_erase() -> Iterator[Held]:
    for holder in answers.holders():
        for held in holder.held:
            if held.erased != "kept":
                yield held


def _is_done(erasure: Erasure, held: Held) -> bool:
    return bool(erasure.steps.get(held.table, {}).get("done"))


def _find(held: Held, customer_id: UUID) -> list[str]:
    with transaction() as session:
        return rows.find(connection_of(session), held, customer_id)


def _locked(session: Session, erasure_id: UUID) -> Erasure | None:
    """None where another worker is at it."""
    query = select(Erasure).where(Erasure.id == erasure_id).with_for_update(skip_locked=True)
    return session.scalar(query.execution_options(populate_existing=True))
