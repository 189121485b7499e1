"""Allowances: how much of what a terminal takes offline a day the brand answers for. Nothing, unless staff say so."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth import merchants
from core import audit
from core.db import Connection
from rewards.offline.models import OfflineAllowance
from wallet.assets import brand_time_zone, exponent_of


def put(
    session: Session,
    *,
    terminal_id: UUID,
    currency: str,
    most_minor: int,
    most_count: int,
    actor: str,
    now: datetime,
) -> OfflineAllowance:
    """Set what a terminal may take a day; what it has taken on a day keeps what it was told then.

    raises  NotFound for an unknown terminal; CurrencyUnknown
    """
    merchants.till_of(session, terminal_id)
    exponent_of(currency)

    row = {"most_minor": most_minor, "most_count": most_count, "set_by": actor, "set_at": now}
    statement = insert(OfflineAllowance).values(terminal_id=terminal_id, currency=currency, **row)
    session.execute(statement.on_conflict_do_update(index_elements=["terminal_id", "currency"], set_=row))
    change = {"currency": currency, "most_minor": most_minor, "most_count": most_count}
    target = f"terminal:{terminal_id}"
    audit.record(session, actor=actor, action="terminal.offline_allowance", target=target, change=change, now=now)
    found = session.get(OfflineAllowance, (terminal_id, currency))
    assert found is not None
    return found


def of_terminal(session: Session, terminal_id: UUID) -> Sequence[OfflineAllowance]:
    query = select(OfflineAllowance).where(OfflineAllowance.terminal_id == terminal_id)
    return session.scalars(query.order_by(OfflineAllowance.currency)).all()


def day_of(connection: Connection, store_id: UUID, at: datetime) -> date:
    """The day at the store."""
    row = connection.execute("SELECT time_zone FROM auth.store WHERE id = %s", [store_id]).fetchone()
    return at.astimezone(ZoneInfo(row[0] if row and row[0] else brand_time_zone())).date()


def take(connection: Connection, terminal_id: UUID, currency: str, day: date, amount_minor: int) -> bool:
    """Count what a terminal took towards the day's allowance, if it still fits in it.

    effects  locks the day's row until this transaction ends
    """
    taken = connection.execute(_TAKE, [day, amount_minor, amount_minor, terminal_id, currency]).rowcount
    return taken == 1


_TAKE = """
    INSERT INTO rewards.offline_day AS d (terminal_id, currency, day, used_minor, used_count)
    SELECT a.terminal_id, a.currency, %s, %s, 1
      FROM rewards.offline_allowance a
     WHERE a.most_minor >= %s AND a.most_count >= 1 AND a.terminal_id = %s AND a.currency = %s
        ON CONFLICT (terminal_id, currency, day) DO UPDATE
       SET used_minor = d.used_minor + excluded.used_minor, used_count = d.used_count + 1
     WHERE (SELECT d.used_minor + excluded.used_minor <= a.most_minor AND d.used_count + 1 <= a.most_count
              FROM rewards.offline_allowance a WHERE (a.terminal_id, a.currency) = (d.terminal_id, d.currency))
"""
