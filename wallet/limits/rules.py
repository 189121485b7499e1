"""Limits: what a customer of a tier may pay, send and load, counted in the transaction of the deed itself."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.db import Connection, connection_of
from wallet import accounts
from wallet.assets import brand_time_zone, exponent_of, wallet_currencies
from wallet.faults import refusals
from wallet.limits.models import BASIC, Holder, LimitRule, Usage
from wallet.transfers import Limit

#: What a rule can set, and the rule of a new currency in its major units; finance changes it by `set_rule`.
MEASURES = ("per_transfer", "per_day", "per_month", "count_per_hour", "ceiling")
#: What a rule can set beside what is used up: from where on the customer's passkey is asked for.
SETTABLE = (*MEASURES, "step_up_above")
_DEFAULTS: dict[tuple[str, str], tuple[int | None, ...]] = {
    ("basic", "pay"): (1_000, 2_500, 10_000, 60, None, 250),
    ("basic", "send"): (200, 500, 1_000, 20, None, 150),
    ("basic", "load"): (500, 1_000, 5_000, 20, 5_000, None),
    ("verified", "pay"): (10_000, 25_000, 100_000, 120, None, 250),
    ("verified", "send"): (2_000, 5_000, 15_000, 40, None, 150),
    ("verified", "load"): (5_000, 10_000, 50_000, 40, 50_000, None),
    ("enhanced", "pay"): (None, None, None, None, None, 1_000),
    ("enhanced", "send"): (None, None, None, None, None, 1_000),
    ("enhanced", "load"): (None, None, None, None, None, None),
}


@dataclass(frozen=True, slots=True)
class Left:
    """One limit of a customer. `left` and `maximum` count minor units of the asset, or deeds ("count_per_hour")."""

    scope: str
    asset: str
    measure: str
    maximum: int
    used: int
    renews_at: datetime | None

    @property
    def left(self) -> int:
        return max(self.maximum - self.used, 0)


def take(connection: Connection, taken: Sequence[Limit], *, at: datetime, is_remote: bool = False) -> None:
    """Count deeds in the caller's transaction, before somebody outside is asked; a posting does it by itself.

    is_remote  whether the customer asks for it in the app, and has to approve what is over their limit
    raises     LimitExceeded, with what is left and when it renews; StepUpRequired
    """
    with refusals():
        for limit in sorted(taken, key=lambda limit: (limit.customer_id, limit.scope, limit.asset)):
            named = [limit.customer_id, limit.scope, limit.asset, limit.amount]
            counted = [*named, at, brand_time_zone(), is_remote]
            connection.execute("SELECT wallet.count_usage(1, %s, %s, %s, %s, %s, %s, %s)", counted)
            if limit.account_id is not None:
                connection.execute(_CEILING, [limit.customer_id, limit.asset, limit.amount, limit.amount,
                                              limit.account_id])  # fmt: skip


def uncount(connection: Connection, limit: Limit, *, taken_at: datetime) -> None:
    """Take an amount that came to nothing off what is used, where the day and month in which it was taken still run.

    That it was tried stays counted: stolen cards are tried one after the other.
    """
    _change(connection, limit, -limit.amount, taken_at)


def recount(connection: Connection, limit: Limit, *, taken_at: datetime) -> None:
    """Undo `uncount`, for what came about after all; it refuses nothing, since the money is there."""
    _change(connection, limit, limit.amount, taken_at)


def _change(connection: Connection, limit: Limit, by: int, taken_at: datetime) -> None:
    named = [limit.customer_id, limit.scope, limit.asset]
    connection.execute(_CHANGE, [by, taken_at, brand_time_zone(), *named])


def tier_of(session: Session, customer_id: UUID) -> str:
    """The customer's tier; everyone begins with the basic one."""
    return session.scalar(select(Holder.tier).where(Holder.customer_id == customer_id)) or BASIC


def set_tier(session: Session, customer_id: UUID, tier: str, *, now: datetime) -> None:
    """Put a customer into a tier; what they have used of a period stays used."""
    set_tiers(session, [customer_id], tier, now=now)


def set_tiers(session: Session, customer_ids: Iterable[UUID], tier: str, *, now: datetime) -> None:
    """`set_tier` for many, in one statement."""
    rows = [{"customer_id": customer_id, "tier": tier, "updated_at": now} for customer_id in sorted(customer_ids)]
    statement = insert(Holder)
    changed = {"tier": statement.excluded.tier, "updated_at": statement.excluded.updated_at}
    session.execute(statement.on_conflict_do_update(index_elements=["customer_id"], set_=changed), rows)


def of_customer(session: Session, customer_id: UUID, *, now: datetime) -> list[Left]:
    """Each limit of the customer's tier, with what of it is used."""
    tier = tier_of(session, customer_id)
    used = {
        (row.scope, row.asset): row for row in session.scalars(select(Usage).where(Usage.customer_id == customer_id))
    }
    standing = _standing(session, customer_id)
    return [
        left
        for rule in session.scalars(_IN_ORDER.where(LimitRule.tier == tier))
        for left in _left(rule, used.get((rule.scope, rule.asset)), standing.get(rule.asset, 0), now)
    ]


def rules(session: Session) -> Sequence[LimitRule]:
    return session.scalars(_IN_ORDER).all()


def set_rule(
    session: Session, *, tier: str, scope: str, asset: str, measures: Mapping[str, int | None], now: datetime
) -> None:
    """Set what a tier may do in one asset; a measure that is None or left out has no limit."""
    values: dict[str, Any] = {measure: measures.get(measure) for measure in SETTABLE} | {"updated_at": now}
    named = {"tier": tier, "scope": scope, "asset": asset}
    statement = insert(LimitRule).values(named | values)
    session.execute(statement.on_conflict_do_update(index_elements=["tier", "scope", "asset"], set_=values))


def posting_for_customer(connection: Connection) -> None:
    """Say that what this transaction posts is asked for by a customer, under whoever's name it is posted."""
    connection.execute("SELECT set_config('wallet.is_remote', 'on', true)")


def step_up_above(connection: Connection, customer_id: UUID, scope: str, asset: str) -> int | None:
    """From where on the customer approves with a passkey what they pay or send; None: never."""
    row = connection.execute(_STEP_UP_ABOVE, [scope, asset, customer_id]).fetchone()
    return row[0] if row else None


def ensure_defaults(session: Session, *, now: datetime) -> None:
    """Give the wallet's currencies the rules that ship with the product, where nobody has set any."""
    rows = []
    for asset in wallet_currencies():
        unit = 10 ** exponent_of(asset)
        for (tier, scope), measures in _DEFAULTS.items():
            row = {
                measure: most if most is None or measure == "count_per_hour" else most * unit
                for measure, most in zip(SETTABLE, measures, strict=True)
            }
            rows.append({"tier": tier, "scope": scope, "asset": asset, **row, "updated_at": now})
    accounts.open_all(session, [accounts.of_provider(asset) for asset in wallet_currencies()])
    session.execute(insert(LimitRule).on_conflict_do_nothing(), rows)


def _left(rule: LimitRule, used: Usage | None, standing: int, now: datetime) -> list[Left]:
    local = now.astimezone(ZoneInfo(brand_time_zone())).replace(tzinfo=None)
    hour = local.replace(minute=0, second=0, microsecond=0)
    day, month = local.date(), local.date().replace(day=1)
    if used is not None:  # a clock that ran ahead: its periods go on
        hour, day, month = max(hour, used.hour), max(day, used.day), max(month, used.month)
    counted: dict[str, tuple[int, datetime | None]] = {
        "per_transfer": (0, None),
        "per_day": (used.day_amount if used and used.day == day else 0, _midnight(day + timedelta(days=1))),
        "per_month": (used.month_amount if used and used.month == month else 0, _midnight(_next_month(month))),
        "count_per_hour": (used.hour_count if used and used.hour == hour else 0, _instant(hour + timedelta(hours=1))),
        "ceiling": (standing, None),
    }
    return [
        Left(rule.scope, rule.asset, measure, getattr(rule, measure), *counted[measure])
        for measure in MEASURES
        if getattr(rule, measure) is not None
    ]


def _instant(local: datetime) -> datetime:
    return local.replace(tzinfo=ZoneInfo(brand_time_zone()))


def _midnight(day: date) -> datetime:
    return _instant(datetime.combine(day, time.min))


def _next_month(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)


def _standing(session: Session, customer_id: UUID) -> dict[str, int]:
    """The customer's cash by currency."""
    cash = [accounts.of_customer(customer_id, asset).id for asset in wallet_currencies()]
    query = "SELECT asset, posted FROM wallet.balance WHERE account_id = ANY (%s)"
    return dict(connection_of(session).execute(query, [cash]).fetchall())


_IN_ORDER = select(LimitRule).order_by(LimitRule.asset, LimitRule.tier, LimitRule.scope)

_STEP_UP_ABOVE = """
    SELECT r.step_up_above FROM wallet.limit_rule r
     WHERE r.scope = %s AND r.asset = %s
       AND r.tier = coalesce((SELECT h.tier FROM wallet.holder h WHERE h.customer_id = %s), 'basic')
"""

_CEILING = """
    SELECT wallet.check_ceiling(1, %s, %s, posted + %s, %s) FROM wallet.balance WHERE account_id = %s
"""

_CHANGE = """
    UPDATE wallet.usage u
       SET day_amount = greatest(u.day_amount + CASE WHEN u.day = c.local::date THEN c.by ELSE 0 END, 0),
           month_amount = greatest(
               u.month_amount + CASE WHEN u.month = date_trunc('month', c.local)::date THEN c.by ELSE 0 END, 0)
      FROM (SELECT %s::bigint AS by, %s::timestamptz AT TIME ZONE %s AS local) c
     WHERE u.customer_id = %s AND u.scope = %s AND u.asset = %s
"""
