"""Which profiles are to be told again from the log."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from insights.profiles.models import Rebuild


def ask(session: Session, customer_id: UUID, *, now: datetime) -> None:
    """Let a customer's profile be told again from the log, soon.

    effects  one that is under way may have read too early: it loses its lease, and so does not end this one
    """
    fresh = {"state": "waiting", "due_at": now, "attempts": 0, "lease_until": None, "lease_token": None}
    statement = insert(Rebuild).values(id=customer_id, asked_at=now, **fresh)
    session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=fresh | {"asked_at": now}))
