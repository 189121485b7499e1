"""A month's statement, as pages and as a table."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from core.money import POINTS
from wallet.documents import csv, wording
from wallet.documents.letterhead import Letterhead
from wallet.documents.pdf import Column, Document
from wallet.documents.wording import Wording
from wallet.months import Line, Section, Statement

#: More nobody reads on paper: about 55 pages, which keep a processor busy for a second.
MOST_ON_PAGES = 2_000
MOST_IN_TABLE = 50_000

_HEADER = (
    "line", "account", "currency", "date", "time", "kind", "merchant", "reference", "amount", "balance", "amount_minor",
    "balance_minor", "transfer_id",
)  # fmt: skip


def as_pdf(statement: Statement, words: Wording, letterhead: Letterhead) -> bytes:
    name, ended = words.month(statement.month.first), statement.month.ends(statement.zone)
    told = name if statement.until is None else f"{name}, until {words.minute(statement.until)}"
    document = Document(
        letterhead,
        title="Statement",
        subtitle=told,
        footer=f"{told} · wallet {statement.customer_id}",
        made_at=statement.until or ended,
    )
    last = (statement.until or ended) - timedelta(microseconds=1)
    document.facts(
        [
            ("From", words.day(statement.month.begins(statement.zone))),
            ("To", words.day(last) if statement.until is None else f"{words.minute(statement.until)} (until now)"),
            ("Times of", statement.zone.key),
        ]
    )
    document.heading("Summary")
    document.table(_SUMMARY, [_summary(section, words) for section in statement.sections])
    for section in statement.sections:
        if section.lines:
            _account(document, section, words)
    return document.done()


def as_csv(statement: Statement) -> bytes:
    """Amounts with a point, and once more in minor units; dates and times of the statement's zone."""
    return csv.table(_HEADER, [row for section in statement.sections for row in _rows(section, statement)])


_SUMMARY = [
    Column("Account", 3),
    Column("Opening balance", 2, "R"),
    Column("In", 2, "R"),
    Column("Out", 2, "R"),
    Column("Closing balance", 2, "R"),
]


def _summary(section: Section, words: Wording) -> list[str]:
    amounts = (section.opening, section.came_in, section.went_out, section.closing)
    return [wording.account(section.purpose, section.asset), *(words.number(each, section.asset) for each in amounts)]


def _account(document: Document, section: Section, words: Wording) -> None:
    name = wording.account(section.purpose, section.asset)
    document.heading(name, f"Opening balance {words.number(section.opening, section.asset)}")
    unit = "Points" if section.asset == POINTS else section.asset
    columns = [
        Column("Date", 2),
        Column("Time", 1.4),
        Column("What", 3.8),
        Column("Reference", 3.2),
        Column(unit, 2.1, "R"),
        Column("Balance", 2.1, "R"),
    ]
    closing = ["", "", "Closing balance", "", "", words.number(section.closing, section.asset)]
    document.table(columns, (_line(line, section, words) for line in section.lines), totals=[closing], name=name)


def _line(line: Line, section: Section, words: Wording) -> Sequence[str]:
    what = wording.kind(line.kind, line.amount)
    return (
        words.day(line.at),
        words.time(line.at),
        what if line.merchant_name is None else f"{what} · {line.merchant_name}",
        line.reference or "",
        words.number(line.amount, section.asset, signed=True),
        words.number(line.balance, section.asset),
    )


def _rows(section: Section, statement: Statement) -> Iterator[list[str | int | None]]:
    asset, zone = section.asset, statement.zone
    account: list[str | int | None] = [section.purpose, asset]

    def standing(name: str, at: datetime, balance: int) -> list[str | int | None]:
        told = [*_local(at, zone), None, None, None, None]
        return [name, *account, *told, wording.plain(balance, asset), None, balance, None]

    yield standing("opening", statement.month.begins(zone), section.opening)
    for line in section.lines:
        yield [
            "entry", *account, *_local(line.at, zone), line.kind, csv.words(line.merchant_name),
            csv.words(line.reference), wording.plain(line.amount, asset), wording.plain(line.balance, asset),
            line.amount, line.balance, str(line.transfer_id),
        ]  # fmt: skip
    yield standing("closing", statement.until or statement.month.ends(zone), section.closing)


def _local(at: datetime, zone: ZoneInfo) -> tuple[str, str]:
    local = at.astimezone(zone)
    return f"{local:%Y-%m-%d}", f"{local:%H:%M:%S}"
