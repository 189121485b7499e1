"""Transfers as CSV files: the lines of a batch, a cell for each field, told by the lines of the file.

    reference,kind,amount_minor,currency,customer_id,expires_at
    may-0001,credit_points,250,PTS,019a9a4e-7d51-7c3c-a1f0-6a0e3c1f9b11,2027-05-31T00:00:00Z

Columns that no line needs may be left out, and so may a cell that says nothing.
"""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wallet.finance import lines
from wallet.finance.lines import BadLines, Line

COLUMNS = (
    "reference", "kind", "amount_minor", "currency", "customer_id", "merchant_id", "from", "to", "expires_at", "note",
)  # fmt: skip

_NEEDED = frozenset({"reference", "kind", "amount_minor", "currency"})
_WHOLE_NUMBER = re.compile("[0-9]{1,16}")


@dataclass(frozen=True, slots=True)
class Filed:
    """number  where the line ends in the file, from 1, the header counted
    given   what it says there
    """

    number: int
    given: dict[str, Any]
    line: Line


class BadFile(Exception):
    """`errors` tells what cannot be understood, in words with the file's lines."""

    def __init__(self, errors: Sequence[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


def read(content: bytes) -> list[Filed]:
    """The transfers of a file, all understood.

    raises  BadFile
    """
    numbers: list[int] = []
    raw: list[dict[str, Any]] = []
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        _check_header(reader.fieldnames or ())
        for row in reader:
            numbers.append(reader.line_num)
            raw.append(_fields(row))
    except UnicodeDecodeError as error:
        raise BadFile(["The file is not UTF-8 text."]) from error
    except csv.Error as error:
        raise BadFile([f"after line {reader.line_num}: {error}"]) from error
    if not raw:
        raise BadFile(["The file has no lines."])
    try:
        found = lines.read(raw)
    except BadLines as bad:
        raise BadFile(_told(bad, numbers)) from bad
    return [Filed(*each) for each in zip(numbers, raw, found, strict=True)]


def _check_header(names: Sequence[str]) -> None:
    errors = [f"line 1: there is no column {name}." for name in sorted(_NEEDED - set(names))]
    errors += [f"line 1: the column {name!r} is unknown." for name in names if name not in COLUMNS]
    errors += [f"line 1: the column {name} stands twice." for name in COLUMNS if list(names).count(name) > 1]
    if errors:
        raise BadFile(errors)


def _fields(row: dict[str | None, Any]) -> dict[str, Any]:
    """A row as a request would have it; what cannot be a number stays a text, which is refused by its name."""
    given: dict[str, Any] = {name or "more cells than columns": cell for name, cell in row.items() if cell}
    minor, currency = given.pop("amount_minor", None), given.pop("currency", None)
    if minor is not None and _WHOLE_NUMBER.fullmatch(minor):
        minor = int(minor)
    return {**given, "amount": {"amount_minor": minor, "currency": currency}}


def _told(bad: BadLines, numbers: Sequence[int]) -> list[str]:
    errors = [
        f"line {numbers[position]}: {path.removeprefix('amount/')}: {detail}"
        for position, of_fields in bad.errors.items()
        for path, details in of_fields.items()
        for detail in details
    ]
    if len(bad.errors) == lines.MOST_TOLD:
        errors.append(f"… and perhaps more: the first {lines.MOST_TOLD} bad lines are told.")
    return errors
