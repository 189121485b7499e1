"""What conditions are decided by: what is kept of a customer, and the brand's day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from insights.streams import Stream
from wallet.assets import brand_currency, brand_time_zone

#: What a stream keeps of a day: how many there were, or what its field came to.
Column = Literal["count", "total"]


class Counted(NamedTuple):
    """That a condition asks what a stream counted, of the last `days` days or (None) ever."""

    stream: Stream
    days: int | None


class Trait(NamedTuple):
    name: str


class Purse(NamedTuple):
    """A balance of the customer's: "cash", "promotional" or "points", and of which asset."""

    purpose: str
    asset: str


class Vouchers(NamedTuple):
    """Those of a campaign, or (None) any."""

    campaign_id: UUID | None


class Member(NamedTuple):
    """Whether the customer is in a segment, as it is kept."""

    key: str


#: What must be loaded before a condition can be decided; the profile always is.
Need = Counted | Trait | Purse | Vouchers | Member | Literal["profile", "locale", "revenue"]


@dataclass(frozen=True, slots=True)
class Ever:
    """What a stream counted of a customer."""

    first_at: datetime
    last_at: datetime
    count: int
    total: Decimal


@dataclass(frozen=True, slots=True)
class Day:
    """The same of one day."""

    day: date
    count: int
    total: Decimal


class Known(NamedTuple):
    """A customer's profile, less what nobody asks about."""

    phase: str
    first_seen_at: datetime
    last_seen_at: datetime
    orders: int
    source: str | None


class Held(NamedTuple):
    """Vouchers of one campaign: whether one was ever redeemed, and the last days of those that can be used (None: for
    ever)."""

    is_redeemed: bool
    last_days: frozenset[date | None]


@dataclass(kw_only=True)
class Facts:
    """Of one customer at a moment; `loading` fills what conditions need. Days are the brand's."""

    customer_id: UUID
    now: datetime
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo(brand_time_zone()))
    currency: str = field(default_factory=brand_currency)
    profile: Known | None = None
    locale: str | None = None
    revenue: Mapping[str, int] = field(default_factory=dict)
    traits: Mapping[str, Any] = field(default_factory=dict)
    ever: dict[Stream, Ever] = field(default_factory=dict)
    days: dict[Stream, list[Day]] = field(default_factory=dict)
    purses: dict[Purse, int] = field(default_factory=dict)
    vouchers: dict[UUID, Held] = field(default_factory=dict)
    segments: frozenset[str] = frozenset()

    @cached_property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def day_of(self, at: datetime | None) -> date | None:
        return at.astimezone(self.zone).date() if at else None

    def counted(self, asked: Counted, column: Column) -> int | Decimal:
        """How often, or (column "total") what the stream's field came to; within_days 1 is today alone."""
        if asked.days is None:
            found = self.ever.get(asked.stream)
            return 0 if found is None else found.count if column == "count" else found.total
        total: int | Decimal = 0
        for day in self.within(asked):
            total += day.count if column == "count" else day.total
        return total

    def within(self, asked: Counted) -> Sequence[Day]:
        """The days of the window on which something was counted, the earliest first."""
        days = self.days.get(asked.stream)
        if not days or asked.days is None:
            return ()
        since = self.today - timedelta(days=asked.days - 1)
        return days if days[0].day >= since else [day for day in days if day.day >= since]

    def last_days(self, campaign_id: UUID | None) -> list[date | None]:
        """Until when each of the customer's vouchers can be used, the last day included; None for ever."""
        held = self.vouchers.values() if campaign_id is None else filter(None, [self.vouchers.get(campaign_id)])
        return [day for each in held for day in each.last_days if day is None or day >= self.today]

    def is_redeemed(self, campaign_id: UUID | None) -> bool:
        if campaign_id is None:
            return any(each.is_redeemed for each in self.vouchers.values())
        return campaign_id in self.vouchers and self.vouchers[campaign_id].is_redeemed
