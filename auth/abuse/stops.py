"""Stops: where no codes are sent for now, as staff see and set them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth.abuse.models import OtpStop, OtpTally
from core import audit


def page(session: Session, *, after: str | None, limit: int) -> Sequence[OtpStop]:
    """In the order of their scopes, those after one."""
    query = select(OtpStop).order_by(OtpStop.scope).limit(limit)
    return session.scalars(query if after is None else query.where(OtpStop.scope > after)).all()


def put(session: Session, scope: str, *, until: datetime, actor: str, now: datetime) -> OtpStop:
    """Send no codes to a scope until then, whatever is used of them.

    scope    "country:GB" or "prefix:+4477009"
    effects  audited
    """
    values = {"until": until, "because": "staff", "stopped_at": now, "sent": 0, "used": 0}
    statement = insert(OtpStop).values(scope=scope, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["scope"], set_=values))
    _record(session, scope, actor=actor, change={"until": until.isoformat()}, now=now)
    return session.get_one(OtpStop, scope, populate_existing=True)


def lift(session: Session, scope: str, *, actor: str, now: datetime) -> None:
    """Send codes to a scope again, and hold nothing against it that was counted so far. One that is not stopped stays
    as it is.

    effects  audited
    """
    session.execute(delete(OtpStop).where(OtpStop.scope == scope))
    session.execute(delete(OtpTally).where(OtpTally.scope == scope))
    _record(session, scope, actor=actor, change={"until": None}, now=now)


def _record(session: Session, scope: str, *, actor: str, change: dict[str, str | None], now: datetime) -> None:
    audit.record(session, actor=actor, action="otp_stop.change", target=f"otp_stop:{scope}", change=change, now=now)
