"""Blocking: a voucher that was lost, stolen or given by mistake is of no use to anybody any more."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import audit
from core.db import connection_of
from core.errors import NotFound


@dataclass(frozen=True, slots=True)
class Blocked:
    id: UUID
    campaign_id: UUID
    customer_id: UUID | None
    last4: str
    state: str


def block(session: Session, voucher_id: UUID, *, actor: str, now: datetime) -> Blocked:
    """Block a voucher, whatever is left of it; one that is blocked stays so.

    What stands on a gift card stays on its account: staff give it to whom it belongs.
    raises   NotFound
    effects  an audit row
    """
    row = connection_of(session).execute(_BLOCK, [voucher_id]).fetchone()
    if row is None:
        raise NotFound("There is no such voucher")
    *told, was = row
    if was != "blocked":
        change = {"voucher_id": str(voucher_id), "status": ["blocked", was]}
        target = f"campaign:{row[1]}"
        audit.record(session, actor=actor, action="voucher.block", target=target, change=change, now=now)
    return Blocked(*told)


_BLOCK = """
    UPDATE rewards.voucher v SET state = 'blocked'
      FROM (SELECT id, state FROM rewards.voucher WHERE id = %s FOR NO KEY UPDATE) AS was
     WHERE v.id = was.id
    RETURNING v.id, v.campaign_id, v.customer_id, v.last4, v.state, was.state
"""
