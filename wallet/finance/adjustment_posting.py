"""How an adjustment moves value, once two people agree."""

from datetime import datetime
from uuid import UUID

from auth.models import Approval
from core.db import Connection
from wallet import accounts, ledger, lots
from wallet.errors import AccountClosed
from wallet.finance import owing, places
from wallet.finance.movement_events import AdjustmentPosted
from wallet.ledger import Leg, LotMove, Transfer


def post(connection: Connection, approval: Approval, *, transfer_id: UUID, now: datetime) -> None:
    """Move what the approval's subject says. The last that its transaction does.

    raises   InsufficientFunds, AccountFrozen, AccountClosed, DebtOverpaid
    effects  announces adjustment.posted
    """
    subject, amount = approval.subject, approval.subject["amount"]
    source, target = places.read(subject["from"]), places.read(subject["to"])
    expires_at = datetime.fromisoformat(subject["expires_at"]) if subject["expires_at"] else None
    currency, amount_minor = amount["currency"], amount["amount_minor"]
    openings = source.opening(currency), target.opening(currency)
    if owing.closed_ones(connection, openings):
        raise AccountClosed
    accounts.open_all(connection, openings)
    if target.purpose == "debt":
        owing.refuse_overpaying(connection, [owing.Movement(*openings, amount_minor)])

    moves: list[LotMove] = []
    legs: list[Leg] = [openings[0].leg(-amount_minor)]
    if source.has_lots:
        moves += lots.take(connection, openings[0].id, amount_minor, at=now)
    if target.has_lots:
        leg, move = lots.give(openings[1], amount_minor, source="adjustment", expires_at=expires_at)
        legs.append(leg)
        moves.append(move)
    else:
        legs.append(openings[1].leg(amount_minor))
    ledger.post(
        connection,
        Transfer(
            id=transfer_id,
            # Nobody's own name, so that no key of theirs can be in the way.
            principal=f"approval:{approval.id}",
            key="adjustment",
            fingerprint=approval.fingerprint,
            kind="adjustment",
            legs=legs,
            lots=moves,
            effective_at=now,
            details={
                "adjustment_id": str(approval.id),
                "reason": subject["reason"],
                "reference": subject["reference"],
                "asked_by": approval.asked_by,
                "decided_by": approval.decided_by,
            },
            events=[
                AdjustmentPosted(
                    customer_id=approval.customer_id,
                    occurred_at=now,
                    transfer_id=transfer_id,
                    adjustment_id=approval.id,
                    reason=subject["reason"],
                    source=subject["from"],
                    target=subject["to"],
                    amount_minor=amount_minor,
                    currency=currency,
                )
            ],
        ),
    )
