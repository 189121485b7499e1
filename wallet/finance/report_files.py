"""Provider reports as files: CSV or JSON lines, read and checked whole before anything is kept.

One line for each thing that changed what the provider holds for us, and one of kind "balance" for each currency: what
it held when the report closed. A charge adds, a fee or a payout takes:

    kind,reference,amount_minor,currency,occurred_at
    charge,ch_1,5000,USD,2026-11-21T09:30:00Z
    fee,ch_1,-175,USD,2026-11-21T09:30:00Z
    payout,po_1,-4000,USD,2026-11-21T17:00:00Z
    balance,,825,USD,2026-11-22T05:00:00Z
"""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from core.money import MAX_AMOUNT_MINOR, POINTS
from wallet.assets import EXPONENTS
from wallet.finance.errors import ReportInvalid, ReportTooLong

Form = Literal["csv", "jsonl"]

#: What a process can hold beside its other work: read, such a file takes some 60 MB. A longer one comes in parts.
MAX_LINES = 100_000
MAX_BYTES = 16_000_000

COLUMNS = ("kind", "reference", "amount_minor", "currency", "occurred_at")

#: What each kind of line does to what the provider holds: adds, takes, or either.
SIGNS = {"charge": 1, "refund": -1, "dispute": -1, "dispute_reversal": 1, "fee": -1, "payout": -1, "adjustment": 0}

#: After this many the file is plainly of another kind, and nobody reads on.
_MOST_ERRORS = 50


@dataclass(frozen=True, slots=True)
class Line:
    """number  where it stands in the file, from 1, a CSV's header counted"""

    number: int
    kind: str
    reference: str
    amount_minor: int
    currency: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class ReportFile:
    """closed_at: the instant of its balances, which stand for each currency in minor units; closed_by: their line."""

    sha256: bytes
    lines: Sequence[Line]
    closed_at: datetime
    closed_by: int
    balances: dict[str, int]

    def check_over(self, *, now: datetime) -> None:
        """What is booked out of a report is booked at its close, which must not be still to come.

        raises  ReportInvalid
        """
        if self.closed_at > now:
            raise _invalid([(self.closed_by, "closes in the future")])


def read(data: bytes, form: Form) -> ReportFile:
    """A report's bytes, checked line by line.

    raises  ReportInvalid that names the bad lines; ReportTooLong
    """
    if len(data) > MAX_BYTES:
        raise ReportTooLong(maximum_bytes=MAX_BYTES)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _invalid([(data[: error.start].count(b"\n") + 1, "is not UTF-8")]) from error
    errors: list[tuple[int, str]] = []
    lines = list(_lines(_csv(text) if form == "csv" else _json_lines(text), errors))
    if not errors:
        _find_repeats(lines, errors)
        _find_closing(lines, errors)
    if errors:
        raise _invalid(errors)

    closing = [line for line in lines if line.kind == "balance"]
    return ReportFile(
        sha256=hashlib.sha256(data).digest(),
        lines=[line for line in lines if line.kind != "balance"],
        closed_at=closing[0].occurred_at,
        closed_by=closing[0].number,
        balances={line.currency: line.amount_minor for line in closing},
    )


#: A line's number with its members, or with what is wrong with it.
_Raw = tuple[int, dict[str, Any] | str]


def _csv(text: str) -> Iterator[_Raw]:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = tuple(name.strip() for name in next(rows, []))
        if sorted(header) != sorted(COLUMNS):
            yield 1, f"must be the header {','.join(COLUMNS)}"
            return
        for row in rows:
            if row:
                fits = len(row) == len(header)
                yield rows.line_num, dict(zip(header, row, strict=True)) if fits else f"has {len(row)} cells, not 5"
    except csv.Error as error:
        yield rows.line_num, f"is no CSV: {error}"


def _json_lines(text: str) -> Iterator[_Raw]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            found = None
        fits = isinstance(found, dict) and set(found) <= set(COLUMNS)
        yield number, found if fits else f"must be a JSON object of {', '.join(COLUMNS)}"


def _lines(raw: Iterator[_Raw], errors: list[tuple[int, str]]) -> Iterator[Line]:
    for count, (number, found) in enumerate(raw, 1):
        if count > MAX_LINES:
            raise ReportTooLong(maximum_lines=MAX_LINES)
        if len(errors) >= _MOST_ERRORS:
            return
        problem = found if isinstance(found, str) else None
        line = None if isinstance(found, str) else _line(number, found)
        if isinstance(line, Line):
            yield line
        else:
            errors.append((number, problem or str(line)))


def _line(number: int, found: dict[str, Any]) -> Line | str:
    """The line, or what is wrong with it."""
    kind, reference, currency = (_text(found.get(name)) for name in ("kind", "reference", "currency"))
    amount, at = _amount(found.get("amount_minor")), _instant(found.get("occurred_at"))
    if kind not in SIGNS and kind != "balance":
        return f"kind must be one of {', '.join(SIGNS)}, balance"
    if kind != "balance" and not re.fullmatch(r"[!-~]{1,255}", reference):
        return "reference must be 1 to 255 characters of printable ASCII without blanks"
    if currency not in EXPONENTS or currency == POINTS:
        return "currency is none that the wallet knows"
    if amount is None:
        return "amount_minor must be a whole number within 2^53-1"
    if kind != "balance" and (amount == 0 or SIGNS[kind] * amount < 0):
        sign = {1: "above 0", -1: "below 0", 0: "other than 0"}[SIGNS[kind]]
        return f"amount_minor of a {kind} must be {sign}: it tells what the line did to what the provider holds"
    if at is None:
        return "occurred_at must be an RFC 3339 time with its offset"
    return Line(number, kind, reference, amount, currency, at)


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _amount(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,16}", value.strip()):
        value = int(value)
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return value if is_whole and abs(value) <= MAX_AMOUNT_MINOR else None


def _instant(value: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(_text(value))
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _find_repeats(lines: Sequence[Line], errors: list[tuple[int, str]]) -> None:
    seen: dict[tuple[str, str], int] = {}
    for line in lines:
        name = (line.kind, line.currency if line.kind == "balance" else line.reference)
        first = seen.setdefault(name, line.number)
        if first != line.number and len(errors) < _MOST_ERRORS:
            errors.append((line.number, f"repeats the {line.kind} {name[1]} of line {first}"))


def _find_closing(lines: Sequence[Line], errors: list[tuple[int, str]]) -> None:
    closing = [line for line in lines if line.kind == "balance"]
    if not closing:
        errors.append((lines[-1].number if lines else 1, "must be followed by a closing balance for each currency"))
        return
    closed_at, held = closing[0].occurred_at, {line.currency for line in closing}
    for line in lines:
        if line.kind == "balance" and line.occurred_at != closed_at:
            errors.append((line.number, "closes at another instant than the first balance"))
        elif line.occurred_at > closed_at:
            errors.append((line.number, "is of a time after the report's closing balance"))
        elif line.currency not in held:
            errors.append((line.number, f"is in {line.currency}, which has no closing balance"))
    del errors[_MOST_ERRORS:]


def _invalid(errors: Sequence[tuple[int, str]]) -> ReportInvalid:
    number, problem = errors[0]
    told = [{"pointer": f"/{line}", "detail": f"Line {line} {detail}."} for line, detail in errors]
    return ReportInvalid(f"Line {number} {problem}", errors=told)
