"""Tables as CSV: for spreadsheets, which must not take a text for a formula, and for programs."""

import codecs
import csv
import io
from collections.abc import Iterable, Sequence

#: How a spreadsheet knows a formula; tab and line breaks because some drop them first. The full-width signs count, too.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

CONTENT_TYPE = "text/csv; charset=utf-8; header=present"


def table(header: Sequence[str], rows: Iterable[Sequence[str | int | None]]) -> bytes:
    """UTF-8 with a byte order mark, without which Excel takes names apart. None is an empty cell.

    source  RFC 4180: CRLF, quotes doubled
    """
    return codecs.BOM_UTF8 + lines([header]) + lines(rows)


def lines(rows: Iterable[Sequence[str | int | None]]) -> bytes:
    """The rows alone, for a table that is written in parts."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


def words(text: str | None) -> str | None:
    """Somebody's words for a cell: an apostrophe in front where a spreadsheet would reckon with them.

    "=1+1" becomes "'=1+1". Not for our own numbers: "-12.50" is one.
    source  OWASP, CSV injection
    """
    if text is None:
        return None
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _cell(value: str | int | None) -> str:
    return "" if value is None else str(value)
