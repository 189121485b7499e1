"""Money between people, shaped for who looks at it: nobody sees another's number whole, nor a note of the erased."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import crypto
from wallet.peers import links, people
from wallet.peers.models import COMPLETED, MoneyRequest, Sending


def sendings(session: Session, rows: Sequence[Sending], viewer_id: UUID) -> list[dict[str, Any]]:
    # Of who has a number the sender learns nothing before they have the money.
    others = [
        row.sender_id if row.sender_id != viewer_id else row.receiver_id if row.state == COMPLETED else None
        for row in rows
    ]
    return [
        {**shown, "money_request_id": row.money_request_id}
        for row, shown in zip(
            rows, _shown(session, "sending", rows, [row.sender_id for row in rows], others, viewer_id), strict=True
        )
    ]


def requests(session: Session, rows: Sequence[MoneyRequest], viewer_id: UUID) -> list[dict[str, Any]]:
    others = [
        row.requester_id if row.requester_id != viewer_id else row.payer_id if row.state == "paid" else None
        for row in rows
    ]
    return _shown(session, "money_request", rows, [row.requester_id for row in rows], others, viewer_id)


def link_to(row: Sending | MoneyRequest, url: str) -> dict[str, Any]:
    """The link of what was just made; nothing where it is for a number."""
    if row.way != "link":
        return {"link": None}
    code = links.code_of(row.id)
    return {"link": {"code": code, "url": f"{url}/{code}"}}


def _shown(
    session: Session,
    table: str,
    rows: Sequence[Sending | MoneyRequest],
    authors: Sequence[UUID],
    others: Sequence[UUID | None],
    viewer_id: UUID,
) -> list[dict[str, Any]]:
    crypto.fetch_data_keys(session, authors)
    names = people.names_of(session, others)
    return [
        {
            "id": row.id,
            "direction": "out" if author_id == viewer_id else "in",
            "way": row.way,
            "status": row.state,
            "amount": {"amount_minor": row.amount_minor, "currency": row.currency},
            "note": people.opened(session, table, "note", author_id, row.id, row.note),
            "phone": people.opened(session, table, "phone", author_id, row.id, row.phone)
            if author_id == viewer_id
            else None,
            "name": names.get(other_id) if other_id is not None else None,
            "created_at": row.created_at,
            "expires_at": row.expires_at,
            "ended_at": row.ended_at,
        }
        for row, author_id, other_id in zip(rows, authors, others, strict=True)
    ]
