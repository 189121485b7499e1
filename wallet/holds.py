"""Holds: value that is promised stays where it is, but cannot be spent otherwise until the hold ends.

A hold is a transfer of kind "hold" without entries, so it is placed once under its key and a refusal of it is frozen
as any other's. It ends by a last capture, by being voided, or by its time: what was not captured is free again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import ids
from core.db import Connection, connection_of
from core.errors import NotFound
from core.events import Event
from wallet import ledger, lots
from wallet.accounts import Opening
from wallet.errors import CaptureExceedsHold, HoldEnded, HoldExpired
from wallet.events import HoldExpired as HoldExpiredEvent
from wallet.hold_models import Hold, HoldPart
from wallet.transfers import HoldMove, Leg, Limit, LotMove, Posted, Transfer

#: How many are ended in one transaction.
BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """kind     what for: "payment" or "sending"
    sources  what each account promises, of one currency; they are captured in this order
    limits   what it counts against: as a whole when it is placed, and not again when it is captured
    """

    principal: str
    key: str
    fingerprint: bytes
    kind: str
    customer_id: UUID
    merchant_id: UUID | None = None
    sources: Sequence[tuple[Opening, int]]
    currency: str
    expires_at: datetime
    at: datetime
    details: Mapping[str, Any] = field(default_factory=dict)
    events: Sequence[Event] = ()
    limits: Sequence[Limit] = ()
    id: UUID = field(default_factory=ids.new)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capturing:
    """amount    None for all that is left
    is_final  what is left afterwards is free again
    to        who gets it
    """

    principal: str
    key: str
    fingerprint: bytes
    kind: str
    amount: int | None = None
    is_final: bool = False
    to: Opening
    at: datetime
    details: Mapping[str, Any] = field(default_factory=dict)
    events: Sequence[Event] = ()
    id: UUID = field(default_factory=ids.new)


def place(session: Session, placing: Placing) -> Posted:
    """Promise value. The transfer's id is the hold's.

    raises   InsufficientFunds, AccountFrozen, LimitExceeded; KeyReused; the refusal frozen under the key
    effects  posts, so nothing else of this transaction may
    """
    connection = connection_of(session)
    done = ledger.find(connection, principal=placing.principal, key=placing.key, fingerprint=placing.fingerprint)
    if done is not None:
        return done

    moves = _promises(connection, placing)
    amount = sum([amount for _, amount in placing.sources])
    connection.execute(
        _INSERT,
        [placing.id, placing.kind, placing.customer_id, placing.merchant_id, placing.currency, amount,
         placing.expires_at, placing.at],
    )  # fmt: skip
    money = {"amount_minor": amount, "currency": placing.currency, "customer_id": str(placing.customer_id)}
    posted = ledger.post(
        connection,
        Transfer(
            id=placing.id,
            principal=placing.principal,
            key=placing.key,
            fingerprint=placing.fingerprint,
            kind="hold",
            legs=(),
            effective_at=placing.at,
            details={**money, **placing.details},
            events=placing.events,
            holds=moves,
            limits=placing.limits,
            hold_id=placing.id,
        ),
    )
    if posted.replayed:  # a twin was first: this row belongs to nothing
        connection.execute("DELETE FROM wallet.hold WHERE id = %s", [placing.id])
    return posted


def capture(session: Session, hold_id: UUID, capturing: Capturing) -> Posted:
    """Take some or all of what a hold still promises. Each capture is a transfer of its own, which can be refunded.

    raises   NotFound; HoldExpired from its last instant on; HoldEnded; CaptureExceedsHold; as `ledger.post`
    effects  locks the hold, then posts
    """
    connection = connection_of(session)
    hold = locked(session, hold_id)
    done = ledger.find(connection, principal=capturing.principal, key=capturing.key, fingerprint=capturing.fingerprint)
    if done is not None:
        return done
    _check_open(hold, at=capturing.at)
    amount = hold.left if capturing.amount is None else capturing.amount
    if not 0 < amount <= hold.left:
        raise CaptureExceedsHold(left_minor=hold.left)

    ends = capturing.is_final or amount == hold.left
    moves = _moves(_parts(session, hold.id), amount, releases_rest=ends)
    hold.captured += amount
    if ends:
        hold.voided, hold.ended_by, hold.ended_at = hold.amount - hold.captured, "captured", capturing.at
    session.flush()
    money = {"amount_minor": amount, "currency": hold.currency, "customer_id": str(hold.customer_id)}
    taken = [move for move in moves if move.captured]
    return ledger.post(
        connection,
        Transfer(
            id=capturing.id,
            principal=capturing.principal,
            key=capturing.key,
            fingerprint=capturing.fingerprint,
            kind=capturing.kind,
            legs=[*_legs(taken), capturing.to.leg(amount)],
            effective_at=capturing.at,
            details={**money, "hold_id": str(hold.id), **capturing.details},
            events=capturing.events,
            lots=[
                LotMove(lot_id=move.lot_id, account_id=move.account_id, amount=-move.captured)
                for move in taken
                if move.lot_id
            ],
            holds=moves,
            hold_id=hold.id,
        ),
    )


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
    _check_open(hold, at=at)
    ending = _ending(session, hold, "voided", principal, key, fingerprint, at=at, events=events)
    return ledger.post(connection_of(session), ending)


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
    endings = [
        _ending(
            session, hold, "expired", "wallet", f"hold.expire:{hold.id}", b"", at=now,
            events=(
                HoldExpiredEvent(
                    customer_id=hold.customer_id, occurred_at=now, hold_id=hold.id, kind=hold.kind,
                    amount_minor=hold.left, currency=hold.currency,
                ),
            ),
        )
        for hold in due
    ]  # fmt: skip
    ledger.post_all(connection_of(session), endings)
    return len(due)


def find(session: Session, hold_id: UUID) -> Hold:
    """raises  NotFound"""
    hold = session.get(Hold, hold_id)
    if hold is None:
        raise NotFound
    return hold


def locked(session: Session, hold_id: UUID) -> Hold:
    """The hold, which nobody else captures or ends until this transaction is over.

    raises  NotFound
    """
    query = select(Hold).where(Hold.id == hold_id).with_for_update().execution_options(populate_existing=True)
    hold = session.scalars(query).one_or_none()
    if hold is None:
        raise NotFound
    return hold


def _check_open(hold: Hold, *, at: datetime) -> None:
    if hold.ended_at is not None and hold.ended_by != "expired":
        raise HoldEnded(ended_by=hold.ended_by)
    if hold.ended_at is not None or at >= hold.expires_at:
        raise HoldExpired


def _promises(connection: Connection, placing: Placing) -> list[HoldMove]:
    """A part for each source, or for each of its lots."""
    promised: list[tuple[UUID, UUID | None, int]] = []
    for account, amount in placing.sources:
        if account.has_lots:
            chosen = lots.choose(connection, account.id, amount, at=placing.at)
            promised += [(account.id, lot.id, part) for lot, part in chosen]
        else:
            promised.append((account.id, None, amount))
    return [
        HoldMove(hold_id=placing.id, place=place, account_id=account_id, lot_id=lot_id, held=amount)
        for place, (account_id, lot_id, amount) in enumerate(promised, 1)
    ]


def _parts(session: Session, hold_id: UUID) -> Sequence[HoldPart]:
    query = select(HoldPart).where(HoldPart.hold_id == hold_id).order_by(HoldPart.place)
    return session.scalars(query.execution_options(populate_existing=True)).all()


def _moves(parts: Sequence[HoldPart], amount: int, *, releases_rest: bool) -> list[HoldMove]:
    """What is captured out of which parts, in their order; with what the others free at the end."""
    moves = []
    for part in parts:
        captured = min(part.left, amount)
        amount -= captured
        freed = part.left if releases_rest else captured
        if freed:
            moves.append(
                HoldMove(
                    hold_id=part.hold_id, place=part.place, account_id=part.account_id, lot_id=part.lot_id,
                    held=-freed, captured=captured,
                )
            )  # fmt: skip
    return moves


def _legs(taken: Sequence[HoldMove]) -> list[Leg]:
    amounts: dict[UUID, int] = {}
    for move in taken:
        amounts[move.account_id] = amounts.get(move.account_id, 0) + move.captured
    return [Leg(account_id, -amount) for account_id, amount in amounts.items()]


def _ending(
    session: Session,
    hold: Hold,
    ended_by: str,
    principal: str,
    key: str,
    fingerprint: bytes,
    *,
    at: datetime,
    events: Sequence[Event],
) -> Transfer:
    moves = _moves(_parts(session, hold.id), 0, releases_rest=True)
    freed = hold.left
    hold.voided, hold.ended_by, hold.ended_at = hold.voided + freed, ended_by, at
    session.flush()
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


_INSERT = """
    INSERT INTO wallet.hold (id, kind, customer_id, merchant_id, currency, amount, expires_at, created_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
