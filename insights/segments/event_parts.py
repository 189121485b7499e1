"""Parts about a customer's events, as their streams counted them."""

from datetime import date, timedelta
from typing import Any

from insights.segments import words
from insights.segments.facts import Column, Counted, Facts
from insights.segments.parts import Part, age, leaf
from insights.streams import Stream


def counted(asked: Counted, column: Column, *, about: dict[str, Any], label: str, word: str, value: Any) -> Part:
    """How often, or (column "total") what a field came to."""
    test = words.test_of(word, value, words.NUMBER)

    def turns(facts: Facts) -> date | None:
        """When enough has fallen out of the window for the answer to be another."""
        days = facts.within(asked)
        left = facts.counted(asked, column)
        is_met = test(left)
        for day in days:
            left -= day.count if column == "count" else day.total
            if test(left) is not is_met:
                return day.day + timedelta(days=asked.days or 0)
        return None

    return leaf(
        about=about,
        label=label,
        get=lambda facts: facts.counted(asked, column),
        sql=lambda query: query.counted(asked, column),
        word=word,
        value=value,
        kind=words.NUMBER,
        needs=frozenset([asked]),
        turns=turns if asked.days is not None else None,
    )


def first_or_last(stream: Stream, which: str, *, about: dict[str, Any], label: str, word: str, days: int) -> Part:
    """How long ago the first or the last event of a stream was; never met by whom has none."""
    asked, column = Counted(stream, None), f"{which}_at"

    def since(facts: Facts) -> date | None:
        ever = facts.ever.get(stream)
        return facts.day_of(getattr(ever, column)) if ever else None

    return age(
        about=about,
        label=label,
        since=since,
        sql=lambda query: query.day_of(stream, column),
        word=word,
        days=days,
        needs=frozenset([asked]),
    )
