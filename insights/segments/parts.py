"""The parts of a condition. Each decides, tells why, says when time alone may change it, and is SQL as well."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from insights.segments import words
from insights.segments.facts import Column, Counted, Facts, Need, Vouchers
from insights.segments.sql import Query
from insights.segments.words import Kind
from insights.streams import Stream

Turns = Callable[[Facts], date | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """test  whether the facts meet it
    tell    the reason tree, JSON-ready, with `is_met` in each of its objects
    turns   the first day after today on which, should nothing happen, the answer may be another; None: on none, ever
    sql     an expression that is true or false, never NULL
    """

    test: Callable[[Facts], bool]
    tell: Callable[[Facts], dict[str, Any]]
    sql: Callable[[Query], str]
    turns: Turns | None = None
    needs: frozenset[Need] = frozenset()
    size: int = 1


def never() -> Part:
    """What stands for a condition that could not be read."""
    told = {"is_met": False, "says": "This condition cannot be read, so it is never met."}
    return Part(test=lambda _: False, tell=lambda _: told, sql=lambda _: "false")


def all_of(parts: Sequence[Part]) -> Part:
    tests = tuple([part.test for part in parts])

    def test(facts: Facts) -> bool:
        for each in tests:  # noqa: SIM110 - all() over a generator costs half as much again
            if not each(facts):
                return False
        return True

    def tell(facts: Facts) -> dict[str, Any]:
        told = [part.tell(facts) for part in parts]
        return {"is_met": all(each["is_met"] for each in told), "all": told}

    return _of_many(parts, test, tell, " AND ")


def any_of(parts: Sequence[Part]) -> Part:
    tests = tuple([part.test for part in parts])

    def test(facts: Facts) -> bool:
        for each in tests:  # noqa: SIM110 - as above
            if each(facts):
                return True
        return False

    def tell(facts: Facts) -> dict[str, Any]:
        told = [part.tell(facts) for part in parts]
        return {"is_met": any(each["is_met"] for each in told), "any": told}

    return _of_many(parts, test, tell, " OR ")


def not_(part: Part) -> Part:
    def tell(facts: Facts) -> dict[str, Any]:
        told = part.tell(facts)
        return {"is_met": not told["is_met"], "not": told}

    return replace(
        part,
        test=lambda facts: not part.test(facts),
        tell=tell,
        sql=lambda query: f"NOT ({part.sql(query)})",
        size=part.size + 1,
    )


def named(key: str, part: Part) -> Part:
    """Another segment, by what it means."""

    def tell(facts: Facts) -> dict[str, Any]:
        told = part.tell(facts)
        return {"is_met": told["is_met"], "segment": key, "because": told}

    return replace(part, tell=tell, size=part.size + 1)


def leaf(
    *,
    about: dict[str, Any],
    label: str,
    get: Callable[[Facts], Any],
    sql: Callable[[Query], str],
    word: str,
    value: Any,
    kind: Kind,
    needs: frozenset[Need] = frozenset(),
    turns: Turns | None = None,
) -> Part:
    """A value compared with what is asked. about: how the condition names it; label: how a sentence does"""

    test = words.test_of(word, value, kind)

    def tell(facts: Facts) -> dict[str, Any]:
        actual = get(facts)
        shown, is_met = _shown(actual), test(actual)
        says = f"{label} is {'not known' if actual is None else shown}; asked for: {words.asked(word, value)}."
        return {"is_met": is_met, **about, "is": word, "needed": value, "actual": shown, "says": says}

    return Part(
        test=lambda facts: test(get(facts)),
        tell=tell,
        turns=turns,
        sql=lambda query: words.sql(word, value, sql(query), query.placed, kind),
        needs=needs,
    )


def age(
    *,
    about: dict[str, Any],
    label: str,
    since: Callable[[Facts], date | None],
    sql: Callable[[Query], str],
    word: str,
    days: int,
    needs: frozenset[Need] = frozenset(),
) -> Part:
    """How many whole days ago something was."""

    test = words.test_of(word, days, words.DAYS)
    moments = [(each, test(each)) for each in (days, days + 1)]

    def get(facts: Facts) -> int | None:
        day = since(facts)
        return None if day is None else max((facts.today - day).days, 0)

    def turns(facts: Facts) -> date | None:
        day = since(facts)
        if day is None:
            return None
        now = max((facts.today - day).days, 0)
        if now > days:
            return None
        is_met = test(now)
        later = [each for each, is_met_then in moments if each > now and is_met_then is not is_met]
        return day + timedelta(days=later[0]) if later else None

    return leaf(
        about=about,
        label=label,
        get=get,
        sql=lambda query: query.age(sql(query)),
        word=word,
        value=days,
        kind=words.DAYS,
        needs=needs,
        turns=turns,
    )


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


def holds(campaign_id: UUID | None, about: dict[str, Any]) -> Part:
    """Whether the customer has a voucher that can be used."""

    def turns(facts: Facts) -> date | None:
        days = [day for day in facts.last_days(campaign_id) if day is not None]
        return max(days) + timedelta(days=1) if days and None not in facts.last_days(campaign_id) else None

    return _voucher(campaign_id, about, "is_held", "holds", lambda facts: bool(facts.last_days(campaign_id)), turns)


def redeemed(campaign_id: UUID | None, about: dict[str, Any]) -> Part:
    return _voucher(campaign_id, about, "is_redeemed", "has redeemed", lambda facts: facts.is_redeemed(campaign_id))


def expires_within(campaign_id: UUID | None, within_days: int, about: dict[str, Any]) -> Part:
    """Whether one of the customer's vouchers has its last day today or in the next days."""
    span = timedelta(days=within_days)

    def is_ending(days: Sequence[date], today: date) -> bool:
        return any(today <= day <= today + span for day in days)

    def ends(facts: Facts) -> list[date]:
        return [day for day in facts.last_days(campaign_id) if day is not None]

    def turns(facts: Facts) -> date | None:
        days = ends(facts)
        is_met = is_ending(days, facts.today)
        moments = sorted({each for day in days for each in (day - span, day + timedelta(days=1)) if each > facts.today})
        return next((each for each in moments if is_ending(days, each) is not is_met), None)

    return _voucher(
        campaign_id,
        about,
        "is_ending",
        f"holds, with at most {within_days} days left,",
        lambda facts: is_ending(ends(facts), facts.today),
        turns,
        within_days=within_days,
    )


def _voucher(
    campaign_id: UUID | None,
    about: dict[str, Any],
    column: str,
    label: str,
    test: Callable[[Facts], bool],
    turns: Turns | None = None,
    *,
    within_days: int | None = None,
) -> Part:
    asked = Vouchers(campaign_id)

    def tell(facts: Facts) -> dict[str, Any]:
        is_met = test(facts)
        of = "a voucher of this campaign" if campaign_id else "a voucher"
        says = f"That the customer {label} {of} is {'true' if is_met else 'false'}."
        return {"is_met": is_met, **about, "says": says}

    return Part(
        test=test,
        tell=tell,
        turns=turns,
        sql=lambda query: query.vouchers(asked, column, within_days=within_days),
        needs=frozenset([asked]),
    )


def _of_many(
    parts: Sequence[Part], test: Callable[[Facts], bool], tell: Callable[[Facts], dict[str, Any]], joint: str
) -> Part:
    needs: frozenset[Need] = frozenset().union(*[part.needs for part in parts])
    timed = [part.turns for part in parts if part.turns]

    def turns(facts: Facts) -> date | None:
        return min([day for day in [each(facts) for each in timed] if day is not None], default=None)

    return Part(
        test=test,
        tell=tell,
        turns=turns if timed else None,
        sql=lambda query: "(" + joint.join(f"({part.sql(query)})" for part in parts) + ")" if parts else "false",
        needs=needs,
        size=1 + sum([part.size for part in parts]),
    )


def _shown(actual: Any) -> Any:
    if isinstance(actual, Decimal):
        return int(actual) if actual == actual.to_integral_value() else float(actual)
    return actual
