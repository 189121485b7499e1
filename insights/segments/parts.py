"""The parts of a condition. Each decides, tells why, says when time alone may change it, and is SQL as well."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from insights.segments import words
from insights.segments.facts import Facts, Need
from insights.segments.sql import Query
from insights.segments.words import Kind

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
