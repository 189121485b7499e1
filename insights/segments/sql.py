"""A condition as SQL over everybody.

Each thing that is asked is joined once and as a set, so that a million customers take seconds.
"""

# ruff: noqa: S608 - constants and placeholders only

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from insights.segments.facts import Counted, Purse, Vouchers
from insights.streams import Stream


@dataclass
class Query:
    """The joins and parameters that a condition's expression stands on; `p` is the profile.

    ids  of the streams that are kept; what another one counts is 0
    """

    ids: Mapping[Stream, int]
    zone: str
    today: date
    joins: dict[object, tuple[str, str]] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    def placed(self, value: Any) -> str:
        """Keep a parameter; returns its placeholder."""
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f"%({name})s"

    def counted(self, asked: Counted, column: str) -> str:
        """column: "count" or "total" """
        alias = self._activity(asked)
        return f"coalesce({alias}.{column}, 0)" if alias else "0"

    def day_of(self, stream: Stream, column: str) -> str:
        """column: "first_at" or "last_at" """
        alias = self._activity(Counted(stream, None))
        return self.local_day(f"{alias}.{column}") if alias else "NULL::date"

    def local_day(self, instant: str) -> str:
        return f"({instant} AT TIME ZONE {self.placed(self.zone)})::date"

    def age(self, day: str) -> str:
        """Whole days since a day, None where there is none (`greatest` alone would make that 0)."""
        return f"CASE WHEN {day} IS NOT NULL THEN greatest({self.placed(self.today)}::date - {day}, 0) END"

    def trait(self, name: str) -> str:
        alias = self._join(
            ("trait", name), "insights.trait {0} ON {0}.customer_id = p.customer_id AND {0}.name = " + self.placed(name)
        )
        return f"nullif({alias}.value, 'null'::jsonb)"

    def revenue(self, currency: str) -> str:
        alias = self._join(
            ("revenue", currency),
            "insights.revenue {0} ON {0}.customer_id = p.customer_id AND {0}.currency = " + self.placed(currency),
        )
        return f"coalesce({alias}.ordered_minor - {alias}.refunded_minor, 0)"

    def locale(self) -> str:
        return f"{self._join('locale', 'auth.customer {0} ON {0}.id = p.customer_id')}.locale"

    def purse(self, asked: Purse) -> str:
        source = (
            "(SELECT a.owner, sum(b.posted - b.held) AS available FROM wallet.account a"
            f" JOIN wallet.balance b ON b.account_id = a.id WHERE a.purpose = {self.placed(asked.purpose)}"
            f" AND a.asset = {self.placed(asked.asset)} AND a.owner LIKE 'customer:%%' GROUP BY a.owner)"
        )
        alias = self._join(asked, source + " {0} ON {0}.owner = 'customer:' || p.customer_id")
        return f"coalesce({alias}.available, 0)"

    def vouchers(self, asked: Vouchers, column: str, *, within_days: int | None = None) -> str:
        """column: "is_redeemed", "is_held" or (with within_days) "is_ending" """
        last_day = self.local_day("(v.expires_at - interval '1 microsecond')")
        today = self.placed(self.today) + "::date"
        test = {
            "is_redeemed": "v.used > 0",
            "is_held": f"v.state = 'active' AND (v.expires_at IS NULL OR {last_day} >= {today})",
            "is_ending": f"v.state = 'active' AND {last_day} BETWEEN {today} AND {today} + {within_days or 0}",
        }[column]
        only = f" AND v.campaign_id = {self.placed(asked.campaign_id)}" if asked.campaign_id else ""
        source = (
            f"(SELECT v.customer_id FROM rewards.voucher v WHERE v.customer_id IS NOT NULL AND {test}{only} GROUP BY 1)"
        )
        alias = self._join((asked, column, within_days), source + " {0} ON {0}.customer_id = p.customer_id")
        return f"({alias}.customer_id IS NOT NULL)"

    def members(self, key: str) -> str:
        source = (
            "(SELECT m.customer_id FROM insights.membership m JOIN insights.segment s ON s.id = m.segment_id"
            " WHERE m.is_in AND (s.status = 'live' OR s.status = 'building' AND s.previous IS NOT NULL)"
            f" AND s.key = {self.placed(key)})"
        )
        alias = self._join(("segment", key), source + " {0} ON {0}.customer_id = p.customer_id")
        return f"({alias}.customer_id IS NOT NULL)"

    def count(self, expression: str) -> str:
        """The statement that counts those who meet an expression, and everybody."""
        joins = "".join(f" LEFT JOIN {text.format(alias)}" for alias, text in self.joins.values())
        return f"SELECT count(*) FILTER (WHERE {expression}), count(*) FROM insights.profile p{joins}"

    def find(self, expression: str) -> str:
        """The statement that names those who meet an expression."""
        joins = "".join(f" LEFT JOIN {text.format(alias)}" for alias, text in self.joins.values())
        return f"SELECT p.customer_id FROM insights.profile p{joins} WHERE {expression}"

    def _activity(self, asked: Counted) -> str | None:
        """The alias of what a stream counted; None where it is not kept."""
        if asked.stream not in self.ids:
            return None
        id_ = self.ids[asked.stream]
        if asked.days is None:
            source = f"insights.activity {{0}} ON {{0}}.stream_id = {id_} AND {{0}}.customer_id = p.customer_id"
            return self._join(asked, source)
        since = self.placed(self.today - timedelta(days=asked.days - 1))
        source = (
            f"(SELECT customer_id, sum(count) AS count, sum(total) AS total FROM insights.activity_day"
            f" WHERE stream_id = {id_} AND day >= {since}::date GROUP BY customer_id)"
        )
        return self._join(asked, source + " {0} ON {0}.customer_id = p.customer_id")

    def _join(self, key: object, text: str) -> str:
        if key not in self.joins:
            self.joins[key] = (f"j{len(self.joins)}", text)
        return self.joins[key][0]
