"""A settlement's statement, as pages and as a table."""

import csv as tables
import io
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import islice
from zoneinfo import ZoneInfo

from wallet.assets import brand_time_zone, exponent_of
from wallet.documents import csv, wording
from wallet.documents.letterhead import Letterhead
from wallet.documents.pdf import Column, Document
from wallet.documents.wording import Wording
from wallet.finance import settlement_lines
from wallet.finance.settlement_lines import Line
from wallet.finance.settlement_rows import Closed

#: More nobody reads on paper; the table has them all.
MOST_ON_PAGES = 2_000

_HEADER = (
    "date", "time", "what", "transfer_id", "payment_id", "store_id", "reference", "amount", "tip", "fee", "net",
    "currency", "net_minor",
)  # fmt: skip

#: Who paid, in words for the merchant.
SOURCES = {
    "customers": "Customers",
    "gift_cards": "Gift cards",
    "coupons": "Coupons",
    "promotional": "Promotional value",
    "points": "Points",
    "offline_losses": "Offline vouchers",
    "other": "Other",
}


def as_csv(closed: Closed) -> Iterator[bytes]:
    """The statement's table, piece by piece: each line, then the sums. Dates and times are the brand's."""
    yield csv.table(_HEADER, [])
    zone, currency = ZoneInfo(brand_time_zone()), closed.row.currency
    lines = settlement_lines.each(closed)
    while page := list(islice(lines, 500)):
        yield _rows(_cells(line, currency, zone) for line in page)
    yield _rows(
        ("", "", name, str(closed.row.id), *[""] * 6, _decimal(amount, currency), currency, amount)
        for name, amount in _sums(closed)
    )


def as_pdf(closed: Closed, merchant_name: str, words: Wording, letterhead: Letterhead) -> bytes:
    row = closed.row
    until = words.minute(row.until)
    document = Document(
        letterhead,
        title="Settlement",
        subtitle=f"{merchant_name} · {until}",
        footer=f"Settlement {row.id}",
        made_at=row.closed_at,
    )
    document.facts(
        [
            ("Merchant", merchant_name),
            ("From", words.minute(row.since) if row.since else "the beginning"),
            ("Before", until),
            ("Number", str(row.sequence)),
            ("Payments", str(row.payment_count)),
            ("Refunds", str(row.refund_count)),
        ]
    )
    document.heading("Summary")
    document.table(
        [Column("", 4), Column("Amount", 2, "R")],
        [(name.capitalize(), words.money(amount, row.currency)) for name, amount in _sums(closed)],
    )
    if closed.fundings:
        document.heading("Who paid")
        document.table(_FUNDING, _fundings(closed, words))
    lines = list(islice(settlement_lines.each(closed), MOST_ON_PAGES))
    document.heading("Lines")
    document.table(_LINES, [_line(line, words, row.currency) for line in lines])
    if len(lines) == MOST_ON_PAGES:
        document.note(f"The first {MOST_ON_PAGES} lines. The table (statement.csv) has all of them.")
    return document.done()


_FUNDING = [Column("Source", 4), Column("Paid", 2, "R"), Column("Given back", 2, "R"), Column("Rest", 2, "R")]

_LINES = [
    Column("When", 3),
    Column("What", 2),
    Column("Reference", 3),
    Column("Amount", 2, "R"),
    Column("Fee", 1.5, "R"),
    Column("Net", 2, "R"),
]


def _sums(closed: Closed) -> list[tuple[str, int]]:
    """The way from what was earned to what is paid out; nothing that is nothing but the ends."""
    row = closed.row
    parts = [
        ("payments", row.gross_minor),
        ("tips", row.tips_minor),
        ("refunds", -row.refunds_minor),
        ("adjustments", row.adjustments_minor),
        ("fees", -row.fees_minor),
        ("carried from the settlement before", row.carried_in_minor),
        ("net", row.net_minor),
        ("paid out", row.payout_minor),
        ("carried into the next settlement", min(row.net_minor, 0)),
    ]
    return [(name, amount) for name, amount in parts if amount or name in ("payments", "net", "paid out")]


def _fundings(closed: Closed, words: Wording) -> list[tuple[str, ...]]:
    """By source, all campaigns together."""
    found: list[tuple[str, ...]] = []
    for source, name in SOURCES.items():
        of_source = [each for each in closed.fundings if each.source == source]
        if of_source:
            paid, back = sum(each.paid for each in of_source), sum(each.refunded for each in of_source)
            found.append((name, *(words.money(amount, closed.row.currency) for amount in (paid, back, paid - back))))
    return found


def _line(line: Line, words: Wording, currency: str) -> tuple[str, ...]:
    amounts = (line.amount, -line.fee, line.amount - line.fee)
    reference = wording.one_line(line.reference or "")
    told = (words.money(amount, currency) for amount in amounts)
    return (words.minute(line.effective_at), line.is_a.capitalize(), reference, *told)


def _cells(line: Line, currency: str, zone: ZoneInfo) -> tuple[str | int | None, ...]:
    local, net = line.effective_at.astimezone(zone), line.amount - line.fee
    return (
        local.strftime("%Y-%m-%d"),
        local.strftime("%H:%M:%S"),
        line.is_a,
        str(line.transfer_id),
        str(line.payment_id) if line.payment_id else None,
        line.store_id,
        csv.words(line.reference),
        *(_decimal(amount, currency) for amount in (line.amount, line.tip, -line.fee, net)),
        currency,
        net,
    )


def _rows(rows: Iterator[Sequence[str | int | None]]) -> bytes:
    text = io.StringIO(newline="")
    tables.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _decimal(amount_minor: int, currency: str) -> str:
    return str(Decimal(amount_minor).scaleb(-exponent_of(currency)))
