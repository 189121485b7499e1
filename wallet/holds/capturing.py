"""Capturing: some or all of what a hold promises goes to whom it was promised."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.db import connection_of
from core.events import Event
from wallet import ledger
from wallet.accounts import Opening
from wallet.errors import CaptureExceedsHold
from wallet.holds.parts import check_open, locked, moves_of, parts_of
from wallet.transfers import HoldMove, Leg, LotMove, Posted, Transfer


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
    check_open(hold, at=capturing.at)
    amount = hold.left if capturing.amount is None else capturing.amount
    if not 0 < amount <= hold.left:
        raise CaptureExceedsHold(left_minor=hold.left)

    ends = capturing.is_final or amount == hold.left
    moves = moves_of(parts_of(session, hold.id), amount, releases_rest=ends)
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


def _legs(taken: Sequence[HoldMove]) -> list[Leg]:
    amounts: dict[UUID, int] = {}
    for move in taken:
        amounts[move.account_id] = amounts.get(move.account_id, 0) + move.captured
    return [Leg(account_id, -amount) for account_id, amount in amounts.items()]
