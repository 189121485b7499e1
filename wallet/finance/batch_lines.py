"""A batch's lines as the ledger takes them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from auth import customers, merchants
from core import ids
from core.db import Connection, connection_of, transaction
from core.errors import Refusal
from core.events import Event
from wallet import ledger, lots
from wallet.errors import AccountClosed, MerchantUnknown
from wallet.finance import owing
from wallet.finance.batch_models import TransferBatch
from wallet.finance.lines import Line
from wallet.finance.movement_errors import CustomerUnknown, LapsedAlready
from wallet.finance.movement_events import ValueGranted
from wallet.ledger import LotMove, Transfer

#: How a statement calls each kind of line.
_TRANSFER_KINDS = {
    "credit_cash": "credit",
    "credit_promotional": "promotion",
    "credit_points": "points",
    "payout": "payout",
    "transfer": "transfer",
}


def refusals(session: Session, lines: Sequence[Line], *, now: datetime) -> dict[str, Refusal]:
    """What can be refused before the ledger is asked, by reference."""
    sides = [place for line in lines for place in (line.source, line.target)]
    known_customers = customers.known(session, {side.id for side in sides if side.owner == "customer" and side.id})
    known_merchants = merchants.known(session, {side.id for side in sides if side.owner == "merchant" and side.id})
    closed = owing.closed_ones(connection_of(session), [opening for line in lines for opening in line.openings])
    bad: dict[str, Refusal] = {}
    for line in lines:
        if closed and any(opening.owner in closed for opening in line.openings):
            bad[line.reference] = AccountClosed()
        for side in (line.source, line.target):
            if side.owner == "customer" and side.id not in known_customers:
                bad[line.reference] = CustomerUnknown()
            elif side.owner == "merchant" and side.id not in known_merchants:
                bad[line.reference] = MerchantUnknown()
        if line.expires_at is not None and line.expires_at <= now:
            bad[line.reference] = LapsedAlready()
    return bad


def transfer(line: Line, batch_id: UUID, fingerprint: bytes, now: datetime) -> Transfer:
    """The line as a transfer, with the event that it announces."""
    transfer_id = ids.new()
    source, target = line.openings
    leg = target.leg(line.amount_minor)
    moves: tuple[LotMove, ...] = ()
    if line.target.has_lots:
        leg, move = lots.give(target, line.amount_minor, source=line.kind, expires_at=line.expires_at)
        moves = (move,)
    return Transfer(
        id=transfer_id,
        principal=f"batch:{batch_id}",
        key=line.reference,
        fingerprint=fingerprint,
        kind=_TRANSFER_KINDS[line.kind],
        legs=[source.leg(-line.amount_minor), leg],
        lots=moves,
        effective_at=now,
        details=_details(line, batch_id),
        events=_events(line, transfer_id, batch_id, now),
    )


def decline(
    connection: Connection,
    bad: Sequence[tuple[Line, Refusal]],
    *,
    batch_id: UUID,
    fingerprint: bytes,
    now: datetime,
) -> None:
    """Freeze the lines' refusals, for who sends the batch again."""
    alike: dict[tuple[str, str], tuple[Refusal, list[Transfer]]] = {}
    for line, refusal in bad:
        _, declined = alike.setdefault((refusal.code, refusal.detail), (refusal, []))
        declined.append(transfer(line, batch_id, fingerprint, now))
    for refusal, declined in alike.values():
        ledger.decline_all(connection, declined, refusal)


def standing(row: TransferBatch) -> dict[str, tuple[UUID, Any]]:
    """The lines that have their answer: transfer and refusal by reference."""
    with transaction() as session:
        found = connection_of(session).execute(_LINES, [row.lines_principal]).fetchall()
    return {reference: (transfer_id, refusal) for reference, transfer_id, refusal in found}


def _details(line: Line, batch_id: UUID) -> dict[str, Any]:
    details: dict[str, Any] = {"batch_id": str(batch_id), "reference": line.reference}
    if line.note is not None:
        details["note"] = line.note
    if line.source.owner == "merchant" or line.target.owner == "merchant":
        merchant = line.source if line.source.owner == "merchant" else line.target
        details["merchant_id"] = str(merchant.id)
    return details


def _events(line: Line, transfer_id: UUID, batch_id: UUID, now: datetime) -> Sequence[Event]:
    if not line.kind.startswith("credit_"):
        return ()
    return (
        ValueGranted(
            customer_id=line.customer_id,
            occurred_at=now,
            transfer_id=transfer_id,
            batch_id=batch_id,
            kind=line.kind.removeprefix("credit_"),
            amount_minor=line.amount_minor,
            currency=line.currency,
            expires_at=line.expires_at,
        ),
    )


_LINES = "SELECT key, id, refusal FROM wallet.transfer WHERE principal = %s"
