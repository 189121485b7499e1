"""Numbers, money and dates as the reader writes them."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from babel.numbers import get_currency_precision

from core.money import POINTS
from wallet.assets import EXPONENTS
from wallet.documents import csv, letterhead, wording
from wallet.documents.png import _letters

NEW_YORK = ZoneInfo("America/New_York")
NO_BREAK = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("language", "amount", "asset", "told"),
    [
        ("en-US", 123456, "USD", "$1,234.56"),
        ("en-GB", -1250, "GBP", "−£12.50"),
        ("de", 123456, "EUR", f"1.234,56{NO_BREAK}€"),
        ("en-US", 1500, "JPY", "¥1,500"),
        ("en-US", 1234, "KWD", f"KWD{NO_BREAK}1.234"),
        ("en-US", 1234, POINTS, "1,234 points"),
    ],
)
def test_money_is_told_with_its_own_decimals(language: str, amount: int, asset: str, told: str) -> None:
    assert wording.of(language, NEW_YORK).money(amount, asset) == told


@pytest.mark.parametrize(("amount", "told"), [(0, "0.00"), (1, "+0.01"), (-123456, "−1,234.56")])
def test_signed_number_says_which_way(amount: int, told: str) -> None:
    assert wording.of(None, NEW_YORK).number(amount, "USD", signed=True) == told


def test_every_currency_has_as_many_decimals_as_readers_expect() -> None:
    # Fewer would round an amount away.
    assert [code for code in EXPONENTS if code != POINTS and get_currency_precision(code) < EXPONENTS[code]] == []


def test_days_are_those_of_the_brands_zone() -> None:
    late = datetime(2026, 11, 1, 2, tzinfo=UTC)

    assert wording.of("en-US", NEW_YORK).day(late) == "Oct 31, 2026"
    assert wording.of("de", NEW_YORK).day(late) == "31.10.2026"


@pytest.mark.parametrize(
    ("kind", "amount", "told"),
    [("send", -1, "Sent"), ("send", 1, "Received"), ("topup", 1, "Top-up"), ("voucher.issue", -5, "Voucher issue")],
)
def test_lines_are_called_by_what_they_are(kind: str, amount: int, told: str) -> None:
    assert wording.kind(kind, amount) == told


@pytest.mark.parametrize("language", wording.LOCALES)
def test_the_font_has_every_letter_of_the_dates(language: str) -> None:
    words = wording.of(language, NEW_YORK)
    told = "".join(
        words.minute(datetime(2026, month, 3, 15, tzinfo=UTC)) + words.month(date(2026, month, 1))
        for month in range(1, 13)
    )

    assert set(map(ord, told + words.money(-123456789, "USD"))) <= _letters(letterhead.REGULAR)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+12025550143", "'+12025550143"),
        ("-2", "'-2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        (" =1", "' =1"),
        ("＝1", "'＝1"),
        ("order 7", "order 7"),
        ("a=b", "a=b"),
        ("", ""),
        (None, None),
    ],
)
def test_no_cell_is_a_formula(text: str | None, cell: str | None) -> None:
    assert csv.words(text) == cell


def test_table_is_rfc_4180() -> None:
    written = csv.table(["a", "b"], [['say "hi"', -5], ["one,\ntwo", None]])

    assert written == '\ufeffa,b\r\n"say ""hi""",-5\r\n"one,\ntwo",\r\n'.encode()
