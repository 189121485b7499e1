"""Allowances: how much of what a terminal takes offline a day the brand answers for. Nothing, unless staff say so.

A till goes by the allowance that it fetched last, once a day. So one that is lowered holds for a day more, and one that
is raised not for what was taken before.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session

from auth import merchants
from core import audit
from core.db import Connection
from rewards.offline.models import OfflineAllowance
from wallet.assets import brand_time_zone, exponent_of

#: A till fetches its allowance at least as often.
FETCHED_WITHIN = timedelta(days=1)


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
    """Set what a terminal may take a day from now on; see above for when that holds.

    raises  NotFound for an unknown terminal; CurrencyUnknown
    """
    merchants.till_of(session, terminal_id)
    exponent_of(currency)

    row = {"most_minor": most_minor, "most_count": most_count, "set_by": actor}
    statement = insert(OfflineAllowance).values(terminal_id=terminal_id, currency=currency, set_at=now, **row)
    session.execute(statement.on_conflict_do_update(index_elements=["terminal_id", "currency", "set_at"], set_=row))
    change = {"currency": currency, "most_minor": most_minor, "most_count": most_count}
    target = f"terminal:{terminal_id}"
    audit.record(session, actor=actor, action="terminal.offline_allowance", target=target, change=change, now=now)
    found = session.get(OfflineAllowance, (terminal_id, currency, now))
    assert found is not None
    return found


def of_terminal(session: Session, terminal_id: UUID) -> Sequence[OfflineAllowance]:
    """By currency what stands now."""
    query = select(OfflineAllowance).where(OfflineAllowance.terminal_id == terminal_id)
    latest = query.ext(distinct_on(OfflineAllowance.currency))
    latest = latest.order_by(OfflineAllowance.currency, OfflineAllowance.set_at.desc())
    return session.scalars(latest).all()


def day_of(connection: Connection, store_id: UUID, at: datetime) -> date:
    """The day at the store."""
    row = connection.execute("SELECT time_zone FROM auth.store WHERE id = %s", [store_id]).fetchone()
    return at.astimezone(ZoneInfo(row[0] if row and row[0] else brand_time_zone())).date()


def take(
    connection: Connection, terminal_id: UUID, currency: str, day: date, amount_minor: int, *, at: datetime
) -> bool:
    """Count what a terminal took at an instant of that day towards the day's allowance, if it still fits in it.

    effects  locks the day's row until this transaction ends
    """
    names = {
        "terminal": terminal_id,
        "currency": currency,
        "day": day,
        "amount": amount_minor,
        "at": at,
        "fetched": at - FETCHED_WITHIN,
    }
    return connection.execute(_TAKE, names).rowcount == 1


# All that stood at any time since the till must have fetched it last: the greatest counts.
_TAKE = """
    WITH allowed AS (
        SELECT max(a.most_minor) AS most_minor, max(a.most_count) AS most_count
          FROM rewards.offline_allowance a
         WHERE a.terminal_id = %(terminal)s AND a.currency = %(currency)s AND a.set_at <= %(at)s
           AND a.set_at >= coalesce((SELECT max(b.set_at) FROM rewards.offline_allowance b
                                      WHERE b.terminal_id = %(terminal)s AND b.currency = %(currency)s
                                        AND b.set_at <= %(fetched)s), '-infinity'))
    INSERT INTO rewards.offline_day AS d (terminal_id, currency, day, used_minor, used_count)
    SELECT %(terminal)s, %(currency)s, %(day)s, %(amount)s, 1
      FROM allowed WHERE most_minor >= %(amount)s AND most_count >= 1
        ON CONFLICT (terminal_id, currency, day) DO UPDATE
       SET used_minor = d.used_minor + excluded.used_minor, used_count = d.used_count + 1
     WHERE d.used_minor + excluded.used_minor <= (SELECT most_minor FROM allowed)
       AND d.used_count + 1 <= (SELECT most_count FROM allowed)
"""
