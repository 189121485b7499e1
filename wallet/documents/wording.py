"""Wording: numbers, money, dates and names of things as a reader writes them.

The words are English; numbers and dates follow the reader's language, out of Unicode's CLDR by way of Babel.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_currency, format_decimal

from core.money import POINTS
from wallet.assets import exponent_of

#: Those whose dates the house's font can write, the first where none of the reader's fits. A list, because Babel keeps
#: each locale that it has loaded (about half a megabyte).
LOCALES = (
    "en-US", "en-GB", "en-CA", "en-AU", "en-IN", "en-ZA", "en", "de", "de-AT", "de-CH", "fr", "fr-CA", "fr-CH", "es",
    "es-MX", "es-US", "it", "pt", "pt-BR", "nl", "pl", "cs", "da", "fi", "is", "nb", "sv", "tr", "he", "ar",
)  # fmt: skip

_KINDS = {
    "topup": "Top-up",
    "topup.refund": "Top-up refunded",
    "dispute": "Disputed top-up",
    "lapse": "Lapsed",
}
_PURPOSES = {
    "cash": "Cash",
    "gift": "Gift card",
    "gift_card": "Gift card",
    "points": "Points",
    "promotional": "Promotional value",
    "budget": "Coupon",
    "debt": "Owed to the brand",
}


@dataclass(frozen=True, slots=True)
class Wording:
    """zone  whose calendar dates and times are told in"""

    locale: Locale
    zone: ZoneInfo

    def money(self, amount_minor: int, asset: str) -> str:
        """1250 USD is "$12.50" to an American and "12,50 $" to a German; 40 points are "40 points"."""
        if asset == POINTS:
            return f"{self.number(amount_minor, asset)} points"
        told = str(format_currency(_decimal(amount_minor, asset), asset, locale=self.locale)).replace("-", "−")
        return _AGAINST_CODE.sub("\N{NO-BREAK SPACE}", told)

    def number(self, amount_minor: int, asset: str, *, signed: bool = False) -> str:
        """The amount alone; signed: with a plus where something came in."""
        decimals = "." + "0" * exponent_of(asset) if exponent_of(asset) else ""
        told = str(format_decimal(_decimal(amount_minor, asset), format=f"#,##0{decimals}", locale=self.locale))
        told = told.replace("-", "−")
        return f"+{told}" if signed and amount_minor > 0 else told

    def day(self, at: datetime) -> str:
        return str(format_date(at.astimezone(self.zone), "medium", locale=self.locale))

    def minute(self, at: datetime) -> str:
        return f"{self.day(at)}, {self.time(at)}"

    def time(self, at: datetime) -> str:
        return str(format_time(at.astimezone(self.zone), "short", locale=self.locale))

    def month(self, first: date) -> str:
        return str(format_date(first, "LLLL y", locale=self.locale))


def of(language: str | None, zone: ZoneInfo) -> Wording:
    """language  one of LOCALES; None for the first"""
    return Wording(Locale.parse(language or LOCALES[0], sep="-"), zone)


def kind(name: str, amount: int) -> str:
    """What a kind of transfer is called on a line of this amount; one without a name of its own by its wire name."""
    if name == "send":
        return "Sent" if amount < 0 else "Received"
    return _KINDS.get(name) or name.replace("_", " ").replace(".", " ").capitalize()


def purpose(name: str) -> str:
    return _PURPOSES.get(name) or name.replace("_", " ").capitalize()


def account(purpose_name: str, asset: str) -> str:
    """ "Cash · USD"; points are points alone."""
    return purpose(purpose_name) if asset == POINTS else f"{purpose(purpose_name)} · {asset}"


def plain(amount_minor: int, asset: str) -> str:
    """For programs: "-12.50"."""
    return f"{_decimal(amount_minor, asset):f}"


def one_line(text: str) -> str:
    """Text of somebody else's on one line: no control characters, and none that would turn the writing's direction."""
    if text.isascii() and text.isprintable():  # most are, and a page has hundreds
        return " ".join(text.split())
    kept = (" " if unicodedata.category(each) in ("Cc", "Zl", "Zp") else each for each in text)
    return " ".join("".join(each for each in kept if each not in _TURNERS).split())


#: Embeddings, overrides and isolates: with them a reference could make 12.50 look like 05.21. And the word joiner,
#: which nobody sees, and with which `paper` marks the number of pages.
_TURNERS = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C, 0x2060)))


#: Between a currency's code and a figure CLDR puts a space, which Babel leaves out.
_AGAINST_CODE = re.compile(r"(?<=[A-Z])(?=\d)")


def _decimal(amount_minor: int, asset: str) -> Decimal:
    return Decimal(amount_minor).scaleb(-exponent_of(asset))
