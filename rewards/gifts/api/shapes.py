"""Gifts, shaped for who looks at them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import crypto
from rewards.gifts import giving, links
from rewards.gifts.models import DELIVERED, Gift
from wallet.peers import people
from wallet.peers.invitations import Brand


def gifts(session: Session, rows: Sequence[Gift], viewer_id: UUID) -> list[dict[str, Any]]:
    """Of who has a number the giver learns nothing before they have the gift."""
    crypto.fetch_data_keys(session, [row.giver_id for row in rows])
    others = [
        row.giver_id if row.giver_id != viewer_id else row.receiver_id if row.state == DELIVERED else None
        for row in rows
    ]
    names = people.names_of(session, others)
    return [
        {
            "id": row.id,
            "direction": "out" if row.giver_id == viewer_id else "in",
            "status": row.state,
            "kind": row.kind,
            "voucher_id": row.voucher_id,
            "amount": _money(row),
            "message": giving.opened(session, row, "message", row.message),
            "phone": giving.opened(session, row, "phone", row.phone) if row.giver_id == viewer_id else None,
            "name": names.get(other_id) if other_id is not None else None,
            "created_at": row.created_at,
            "deliver_at": row.deliver_at,
            "expires_at": row.expires_at,
            "ended_at": row.ended_at,
        }
        for row, other_id in zip(rows, others, strict=True)
    ]


def link_to(row: Gift, brand: Brand) -> dict[str, str] | None:
    """The link of what was just made; None where it is for a number."""
    if row.link is None:
        return None
    code = links.code_of(row.id)
    return {"code": code, "url": f"{brand.public_url}/c/g/{code}"}


def _money(row: Gift) -> dict[str, object] | None:
    return None if row.amount_minor is None else {"amount_minor": row.amount_minor, "currency": row.currency}
