"""What a hold still promises, part by part, under its lock."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import NotFound
from wallet.errors import HoldEnded, HoldExpired
from wallet.holds.models import Hold, HoldPart
from wallet.transfers import HoldMove


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


def check_open(hold: Hold, *, at: datetime) -> None:
    if hold.ended_at is not None and hold.ended_by != "expired":
        raise HoldEnded(ended_by=hold.ended_by)
    if hold.ended_at is not None or at >= hold.expires_at:
        raise HoldExpired


def parts_of(session: Session, hold_id: UUID) -> Sequence[HoldPart]:
    query = select(HoldPart).where(HoldPart.hold_id == hold_id).order_by(HoldPart.place)
    return session.scalars(query.execution_options(populate_existing=True)).all()


def parts_of_all(session: Session, hold_ids: Sequence[UUID]) -> dict[UUID, list[HoldPart]]:
    """`parts_of` for many, by one statement."""
    query = select(HoldPart).where(HoldPart.hold_id.in_(hold_ids)).order_by(HoldPart.hold_id, HoldPart.place)
    found: dict[UUID, list[HoldPart]] = {hold_id: [] for hold_id in hold_ids}
    for part in session.scalars(query.execution_options(populate_existing=True)):
        found[part.hold_id].append(part)
    return found


def moves_of(parts: Sequence[HoldPart], amount: int, *, releases_rest: bool) -> list[HoldMove]:
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
