"""Locales: in which of the languages that a text is written in a customer reads it, and how they write money and days.

A locale is a language with or without a region ("fr", "fr-CA").
"""

import re
from collections.abc import Collection
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engage.templates import brand
from wallet.documents import wording as documents
from wallet.documents.wording import Wording as Teller

LOCALE = re.compile(r"[a-z]{2,3}(-[A-Z]{2}|-[0-9]{3})?\Z")


def normal(raw: str | None) -> str:
    """ "FR_ca" as "fr-CA"; nothing for what is no locale."""
    language, _, region = (raw or "").strip().replace("_", "-").partition("-")
    found = f"{language.lower()}-{region.upper()}" if region else language.lower()
    return found if LOCALE.match(found) else ""


@lru_cache(maxsize=2_000)
def _nearest(wanted: str, given: frozenset[str], last: tuple[str, ...]) -> str | None:
    for locale in (wanted, *last):
        language = locale.partition("-")[0]
        if locale in given:
            return locale
        if language in given:
            return language
        # Another region's words are nearer than another language's.
        if regions := sorted(each for each in given if each.partition("-")[0] == language):
            return regions[0]
    return None


def nearest(wanted: str | None, given: Collection[str], *, last: tuple[str, ...]) -> str | None:
    """Of the given locales the one to use: fr-CA, then fr, then French of any region, then the same for each of `last`.

    last  what to fall back on: the brand's locale, then the text's own default
    """
    return _nearest(normal(wanted), frozenset(given), last)


def teller(wanted: str | None, zone: str | None) -> Teller:
    """Who tells money and days to a reader of this locale in this time zone; None: the brand's."""
    return _teller(wanted or brand.locale(), zone or brand.time_zone(), brand.time_zone())


@lru_cache(maxsize=2_000)
def _teller(wanted: str, zone: str, else_: str) -> Teller:
    found = nearest(wanted, documents.LOCALES, last=(documents.LOCALES[0],))
    try:
        return documents.of(found, ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):  # the machine's list has lost it
        return documents.of(found, ZoneInfo(else_))
