"""Ending: a hold is voided, or its time passes, and what was not captured is free again."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import ids
from core.db import connection_of
from core.events import Event
from wallet import ledger
from wallet.events import HoldExpired
from wallet.holds.models import Hold, HoldPart
from wallet.holds.parts import check_open, locked, moves_of, parts_of, parts_of_all
from wallet.transfers import Posted, Transfer

#: How many are ended in one transaction: some 100 ms, 200 on a machine with four times too much to do (measured).
BATCH = 200


def void(
    session: Session,
    hold_id: UUID,
    *,
    principal: str,
    key: str,
    fingerprint: bytes,
    at: datetime,
    events: Sequence[Event] = (),
) -> Posted:
    """Free what a hold still promises, for good.

    raises   NotFound; HoldEnded; HoldExpired
    effects  locks the hold, then posts
    """
    hold = locked(session, hold_id)
    done = ledger.find(connection_of(session), principal=principal, key=key, fingerprint=fingerprint)
    if done is not None:
        return done
    check_open(hold, at=at)
    parts = parts_of(session, hold_id)
    ending = _ending(hold, parts, "voided", principal, key, fingerprint, at=at, events=events)
    return ledger.post(connection_of(session), ending)


def endings(session: Session, hold_ids: Sequence[UUID], *, principal: str, at: datetime) -> list[Transfer]:
    """What frees these holds, to be posted together with what their value is used for; those that ended free nothing.

    effects  locks them by id
    """
    query = select(Hold).where(Hold.id.in_(hold_ids), Hold.ended_at.is_(None)).order_by(Hold.id).with_for_update()
    found = session.scalars(query.execution_options(populate_existing=True)).all() if hold_ids else []
    parts = parts_of_all(session, [hold.id for hold in found])
    return [
        _ending(hold, parts[hold.id], "voided", principal, str(hold.id), hold.id.bytes, at=at, events=())
        for hold in found
    ]


def expire_due(session: Session, *, now: datetime) -> int:
    """End the holds whose time has passed; how many those were. Announces hold.expired for each."""
    query = (
        select(Hold)
        .where(Hold.ended_at.is_(None), Hold.expires_at <= now)
        .order_by(Hold.expires_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    due = session.scalars(query).all()
    if not due:
        return 0
    parts = parts_of_all(session, [hold.id for hold in due])
    endings = [
        _ending(
            hold, parts[hold.id], "expired", "wallet", f"hold.expire:{hold.id}", b"", at=now,
            events=(
                HoldExpired(
                    customer_id=hold.customer_id, occurred_at=now, hold_id=hold.id, kind=hold.kind,
                    amount_minor=hold.left, currency=hold.currency,
                ),
            ),
        )
        for hold in due
    ]  # fmt: skip
    ledger.post_all(connection_of(session), endings)
    return len(due)


def _ending(
    hold: Hold,
    parts: Sequence[HoldPart],
    ended_by: str,
    principal: str,
    key: str,
    fingerprint: bytes,
    *,
    at: datetime,
    events: Sequence[Event],
) -> Transfer:
    moves = moves_of(parts, 0, releases_rest=True)
    freed = hold.left
    hold.voided, hold.ended_by, hold.ended_at = hold.voided + freed, ended_by, at
    return Transfer(
        id=ids.new(),
        principal=principal,
        key=key,
        fingerprint=fingerprint,
        kind="void",
        legs=(),
        effective_at=at,
        details={"hold_id": str(hold.id), "amount_minor": freed, "currency": hold.currency, "ended_by": ended_by},
        events=events,
        holds=moves,
        hold_id=hold.id,
    )
