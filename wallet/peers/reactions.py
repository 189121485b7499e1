"""What becomes of money that waits when somebody signs up, and when its hold expires."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.events import LoggedEvent, Reader, announce_all
from wallet.peers import giving, invitations, people
from wallet.peers.events import SendingReturned
from wallet.peers.models import OPEN, PENDING, RETURNED, MoneyRequest, Sending


def bind_newcomers(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
    """Put a customer's name to what waited for their number; due work then gives the money."""
    newcomers = [event.customer_id for event in events if event.customer_id is not None]
    indexes = people.indexes_of(session, newcomers)
    people.lock_numbers(session, indexes.values())
    owners = {index: customer_id for customer_id, index in indexes.items()}
    waiting = select(Sending).where(Sending.phone_index.in_(owners), Sending.state == PENDING)
    for sending in session.scalars(waiting.order_by(Sending.id).with_for_update()):
        sending.receiver_id, sending.phone_index, sending.due_at = _owner(owners, sending), None, now
    asked = select(MoneyRequest).where(MoneyRequest.phone_index.in_(owners), MoneyRequest.state == OPEN)
    for request in session.scalars(asked.order_by(MoneyRequest.id).with_for_update()):
        request.payer_id, request.phone_index = _owner(owners, request), None


def return_lapsed(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
    """What nobody claimed in time is its sender's again: its hold has expired."""
    causes = {UUID(event.payload["hold_id"]): event for event in events if event.payload["kind"] == "sending"}
    lapsed = select(Sending).where(Sending.hold_id.in_(causes), Sending.state == PENDING).order_by(Sending.id)
    over = {sending.hold_id: sending for sending in session.scalars(lapsed.with_for_update()) if sending.hold_id}
    for sending in over.values():
        giving.end(sending, RETURNED, now=now)
    invitations.take_back(session, over.values(), now=now)

    announce_all(
        session,
        [
            SendingReturned(
                customer_id=sending.sender_id,
                occurred_at=cause.occurred_at,
                caused_by=cause.id,
                depth=cause.depth + 1,
                trace=cause.trace,
                sending_id=sending.id,
                amount_minor=sending.amount_minor,
                currency=sending.currency,
            )
            for sending, cause in ((sending, causes[hold_id]) for hold_id, sending in over.items())
        ],
    )


def _owner(owners: dict[bytes, UUID], row: Sending | MoneyRequest) -> UUID | None:
    return owners.get(row.phone_index) if row.phone_index is not None else None


READERS = [
    Reader("wallet.peers.newcomers", bind_newcomers, frozenset({"customer.signed_up"})),
    Reader("wallet.peers.lapsed", return_lapsed, frozenset({"hold.expired"})),
]
