"""Reports: tallies put together for people, in all and by arm, step, variant and day, with what they cost."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of
from core.errors import NotFound
from engage.results import prices, tallies
from engage.results.errors import ResultsTooWide
from engage.results.prices import PriceList
from engage.results.tallies import Count, Key
from wallet.assets import brand_currency
from wallet.documents import csv

MOST_DAYS = 366

#: What is counted as it is; money has its own fields.
COUNTS = (
    *("entered", "ended", "converted", "issued", "sent", "inbox", "delivered", "failed", "in_doubt", "suppressed"),
    *("credited", "opened", "clicked", "unsubscribed", "redeemed", "rolled_back"),
)
_STEP = "step:"


#: The columns of an export, a line a tally.
HEADER = (
    *("day", "step", "variant", "arm", "channel", "country", "measure", "count"),
    *("currency", "amount_minor"),
)
Line = tuple[str | int | None, ...]


@dataclass(slots=True)
class Row:
    """What one group of tallies comes to.

    discount_minor  what vouchers took off, less what was given back; credit_minor: what was put into wallets
    message_micros  of the messages sent
    """

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    revenue_minor: int = 0
    refunded_minor: int = 0
    discount_minor: int = 0
    credit_minor: int = 0
    message_micros: int = 0

    def cost_minor(self, currency: str) -> int:
        return self.discount_minor + self.credit_minor + self.message_minor(currency)

    def message_minor(self, currency: str) -> int:
        return prices.minor(self.message_micros, currency)


@dataclass(slots=True)
class Report:
    """steps: by (step, arm); variants: by (step, variant); outcomes: how often each step did what, by (step, outcome).

    unpriced  by (channel, country): messages for which nobody has said what they cost
    others    currencies in which more was spent, which stand in no sum here
    """

    currency: str
    since: date | None
    until: date | None
    total: Row = field(default_factory=Row)
    arms: dict[str, Row] = field(default_factory=lambda: defaultdict(Row))
    steps: dict[tuple[str, str], Row] = field(default_factory=lambda: defaultdict(Row))
    variants: dict[tuple[str, str], Row] = field(default_factory=lambda: defaultdict(Row))
    days: dict[date, Row] = field(default_factory=lambda: defaultdict(Row))
    outcomes: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    unpriced: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    others: set[str] = field(default_factory=set)


def of(session: Session, scope: str, scope_id: UUID, *, since: date | None, until: date | None) -> Report:
    """Everything between two days, both included; without them all there is, and the latest 366 days one by one.

    raises  NotFound; ResultsTooWide
    """
    currency = _currency(session, scope, scope_id)
    since, until = _span(since, until)
    found = tallies.of(connection_of(session), scope, scope_id, since=since, until=until)
    return put_together(found, PriceList(prices.all_(session)), currency=currency, since=since, until=until)


def lines(session: Session, scope: str, scope_id: UUID, *, since: date | None, until: date | None) -> list[Line]:
    """The tallies themselves, for a spreadsheet.

    raises  NotFound; ResultsTooWide
    """
    _currency(session, scope, scope_id)
    since, until = _span(since, until)
    found = tallies.of(connection_of(session), scope, scope_id, since=since, until=until)
    return [
        (
            key.day.isoformat(),
            csv.words(key.step),
            csv.words(key.variant),
            key.arm,
            key.channel,
            key.country,
            csv.words(key.measure),
            counted.count,
            key.currency,
            counted.amount_minor,
        )
        for key, counted in found
    ]


def put_together(
    found: Iterable[tuple[Key, Count]], price_list: PriceList, *, currency: str, since: date | None, until: date | None
) -> Report:
    """Pure: the sums of these tallies."""
    report = Report(currency, since, until)
    for key, counted in found:
        if key.measure.startswith(_STEP):
            report.outcomes[key.step, key.measure.removeprefix(_STEP)] += counted.count
            continue
        if key.currency not in ("", currency):
            report.others.add(key.currency)
            continue
        micros = None
        if key.measure == "sent":
            # Prices are in the brand's currency: what a campaign in another one cost to tell of, nobody has said.
            is_known = currency == brand_currency()
            micros = price_list.micros(key.channel, key.country, key.day) if is_known else None
            if micros is None:
                report.unpriced[key.channel, key.country] += counted.count
        for row in _rows(report, key):
            _add(row, key.measure, counted, micros or 0)
    report.days = dict(sorted(report.days.items())[-MOST_DAYS:])
    return report


def _rows(report: Report, key: Key) -> Iterator[Row]:
    yield report.total
    yield report.days[key.day]
    if key.arm:
        yield report.arms[key.arm]
    if key.step:
        yield report.steps[key.step, key.arm]
    if key.variant:
        yield report.variants[key.step, key.variant]


def _add(row: Row, measure: str, counted: Count, micros: int) -> None:
    if measure in row.counts:
        row.counts[measure] += counted.count
    if measure == "sent":
        row.message_micros += micros * counted.count
    elif measure == "redeemed":
        row.discount_minor += counted.amount_minor
    elif measure == "rolled_back":
        row.discount_minor -= counted.amount_minor
    elif measure == "credited":
        row.credit_minor += counted.amount_minor
    elif measure == "revenue":
        row.revenue_minor += counted.amount_minor
    elif measure == "refunded":
        row.refunded_minor += counted.amount_minor


def _span(since: date | None, until: date | None) -> tuple[date | None, date | None]:
    """raises  ResultsTooWide"""
    if since and until and (until - since).days >= MOST_DAYS:
        raise ResultsTooWide(errors=[{"pointer": "/since", "detail": ResultsTooWide.title}])
    if since and until is None:
        until = since + min(timedelta(days=MOST_DAYS - 1), date.max - since)
    return since, until


def _currency(session: Session, scope: str, scope_id: UUID) -> str:
    """raises  NotFound"""
    row = connection_of(session).execute(_CURRENCY[scope], {"id": scope_id, "brand": brand_currency()}).fetchone()
    if row is None:
        raise NotFound
    return str(row[0])


#: A campaign has its own; what journeys and broadcasts bring is told in the brand's.
_CURRENCY = {
    "campaign": "SELECT currency FROM rewards.campaign WHERE id = %(id)s AND %(brand)s::text IS NOT NULL",
    "journey": "SELECT %(brand)s::text FROM engage.journey WHERE id = %(id)s",
    "broadcast": "SELECT %(brand)s::text FROM engage.broadcast WHERE id = %(id)s",
}
