"""Reading what conditions need to know of many customers: at most one statement a kind of need."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.db import Connection
from insights.segments import membership
from insights.segments.facts import Counted, Day, Ever, Facts, Held, Known, Member, Need, Purse, Trait, Vouchers
from insights.streams import Stream, catalogue


def load(
    connection: Connection, needs: Collection[Need], customer_ids: Iterable[UUID], now: datetime
) -> dict[UUID, Facts]:
    """The facts of each of the customers, as far as conditions with these needs ask for them."""
    facts = {customer_id: Facts(customer_id=customer_id, now=now) for customer_id in sorted(set(customer_ids))}
    if not facts:
        return {}
    customers = list(facts)
    _fill_people(connection, facts, customers, needs)
    if asked := [need for need in needs if isinstance(need, Counted)]:
        _fill_streams(connection, facts, customers, asked, now)
    if purses := [need for need in needs if isinstance(need, Purse)]:
        _fill_purses(connection, facts, customers, purses)
    if vouchers := [need for need in needs if isinstance(need, Vouchers)]:
        _fill_vouchers(connection, facts, customers, vouchers)
    if any(isinstance(need, Member) for need in needs):
        for customer_id, keys in membership.of(connection, customers).items():
            facts[customer_id].segments = keys
    return facts


def _fill_people(
    connection: Connection, facts: Mapping[UUID, Facts], customers: Sequence[UUID], needs: Collection[Need]
) -> None:
    traits = [need.name for need in needs if isinstance(need, Trait)]
    for row in connection.execute(_PEOPLE, [traits, "revenue" in needs, "locale" in needs, customers]):
        each = facts[row[0]]
        each.profile = Known(*row[1:6]) if row[1] is not None else None
        each.traits = {name: value for name, value in (row[6] or {}).items() if value is not None}
        each.revenue = row[7] or {}
        each.locale = row[8]


def _fill_streams(
    connection: Connection,
    facts: Mapping[UUID, Facts],
    customers: Sequence[UUID],
    asked: Sequence[Counted],
    now: datetime,
) -> None:
    ids = catalogue.ids_of(connection, {need.stream for need in asked})
    streams: dict[int, Stream] = {id_: stream for stream, (id_, _) in ids.items()}
    ever = [id_ for id_, stream in streams.items() if Counted(stream, None) in asked]
    for customer_id, stream_id, *counted in connection.execute(_EVER, [customers, ever]) if ever else ():
        facts[customer_id].ever[streams[stream_id]] = Ever(*counted)

    longest: dict[int, int] = {}
    for need in asked:
        if need.days is not None and need.stream in ids:
            id_ = ids[need.stream][0]
            longest[id_] = max(longest.get(id_, 0), need.days)
    if longest:
        today = next(iter(facts.values())).today
        since = [today - timedelta(days=days - 1) for days in longest.values()]
        for customer_id, stream_id, *counted in connection.execute(_DAYS, [list(longest), since, customers]):
            facts[customer_id].days.setdefault(streams[stream_id], []).append(Day(*counted))


def _fill_purses(
    connection: Connection, facts: Mapping[UUID, Facts], customers: Sequence[UUID], purses: Sequence[Purse]
) -> None:
    owners = [f"customer:{customer_id}" for customer_id in customers]
    asked = [owners, [purse.purpose for purse in purses], [purse.asset for purse in purses]]
    for owner, purpose, asset, available in connection.execute(_PURSES, asked):
        facts[UUID(owner.removeprefix("customer:"))].purses[Purse(purpose, asset)] = int(available)


def _fill_vouchers(
    connection: Connection, facts: Mapping[UUID, Facts], customers: Sequence[UUID], asked: Sequence[Vouchers]
) -> None:
    campaigns: list[UUID] | None = [need.campaign_id for need in asked if need.campaign_id is not None]
    if any(need.campaign_id is None for need in asked):
        campaigns = None
    zone = next(iter(facts.values())).zone.key
    values: dict[str, Any] = {"zone": zone, "customers": customers, "campaigns": campaigns}
    for customer_id, campaign_id, is_redeemed, last_days in connection.execute(_VOUCHERS, values):
        facts[customer_id].vouchers[campaign_id] = Held(is_redeemed, frozenset(last_days))


_PEOPLE = """
    SELECT c.id, p.phase, p.first_seen_at, p.last_seen_at, p.orders, p.touch_source, t.traits, r.revenue, a.locale
      FROM (SELECT %s::text[] AS traits, %s::boolean AS with_revenue, %s::boolean AS with_locale) asked
     CROSS JOIN unnest(%s::uuid[]) AS c (id)
      LEFT JOIN insights.profile p ON p.customer_id = c.id
      LEFT JOIN LATERAL (SELECT jsonb_object_agg(t.name, t.value) AS traits FROM insights.trait t
                          WHERE t.customer_id = c.id AND t.name = ANY(asked.traits)) t ON asked.traits <> '{}'
      LEFT JOIN LATERAL (SELECT jsonb_object_agg(r.currency, r.ordered_minor - r.refunded_minor) AS revenue
                           FROM insights.revenue r WHERE r.customer_id = c.id) r ON asked.with_revenue
      LEFT JOIN auth.customer a ON asked.with_locale AND a.id = c.id
"""

_EVER = """
    SELECT customer_id, stream_id, first_at, last_at, count, total
      FROM insights.activity WHERE customer_id = ANY(%s) AND stream_id = ANY(%s)
"""

_DAYS = """
    SELECT d.customer_id, d.stream_id, d.day, d.count, d.total
      FROM unnest(%s::int[], %s::date[]) AS asked (stream_id, since)
     CROSS JOIN unnest(%s::uuid[]) AS c (id)
      JOIN insights.activity_day d ON d.customer_id = c.id AND d.stream_id = asked.stream_id AND d.day >= asked.since
     ORDER BY d.day
"""

_PURSES = """
    SELECT a.owner, a.purpose, a.asset, sum(b.posted - b.held)
      FROM unnest(%s::text[]) AS o (owner)
     CROSS JOIN unnest(%s::text[], %s::text[]) AS p (purpose, asset)
      JOIN wallet.account a USING (owner, purpose, asset)
      JOIN wallet.balance b ON b.account_id = a.id
     GROUP BY a.owner, a.purpose, a.asset
"""

#: A voucher can be used on its last day to the end of it, as days are all that segments know.
LAST_DAY = "((v.expires_at - interval '1 microsecond') AT TIME ZONE %(zone)s)::date"

_VOUCHERS = f"""
    SELECT v.customer_id, v.campaign_id, bool_or(v.used > 0),
           coalesce(array_agg(DISTINCT {LAST_DAY}) FILTER (WHERE v.state = 'active'), '{{}}')
      FROM rewards.voucher v
     WHERE v.customer_id = ANY(%(customers)s) AND (%(campaigns)s::uuid[] IS NULL OR v.campaign_id = ANY(%(campaigns)s))
     GROUP BY v.customer_id, v.campaign_id
"""  # noqa: S608 - constants only
