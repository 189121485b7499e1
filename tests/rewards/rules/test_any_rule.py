"""Any rule and any basket: what decides and what tells why never differ, and nothing fails."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from core.notes import Notes
from rewards import rules
from rewards.baskets import Basket, Line
from rewards.products import Product
from rewards.rules import Concerns, Facts, Known, kinds
from rewards.rules.facts import History, Person
from rewards.rules.leaves import FACTS
from wallet.paying.tills import Till

IDS = [UUID(int=number) for number in range(1, 4)]
NAMES = ["tea", "ham", "TEA"]
SAVED = {
    IDS[0]: Known("Big", {"fact": "basket.total_minor", "is": "at_least", "value": 5}),
    IDS[1]: Known("Tea", {"any_line": {"fact": "line.sku", "is": "equals", "value": "tea"}}),
}

VALUES: dict[int, st.SearchStrategy[Any]] = {
    id(kinds.MONEY): st.integers(0, 12),
    id(kinds.COUNT): st.integers(0, 4),
    id(kinds.DAYS): st.integers(0, 40),
    id(kinds.QUANTITY): st.sampled_from([0, 0.5, 1, 2.25]),
    id(kinds.FLAG): st.booleans(),
    id(kinds.TEXT): st.sampled_from(NAMES),
    id(kinds.ID): st.sampled_from([str(each) for each in IDS]),
    id(kinds.IDS): st.sampled_from([str(each) for each in IDS]),
    id(kinds.DATE): st.dates(date(2026, 5, 1), date(2026, 5, 9)).map(str),
    id(kinds.CLOCK): st.sampled_from(["00:00", "11:59", "23:59"]),
    id(kinds.WEEKDAY): st.sampled_from(kinds.WEEKDAYS),
}


@st.composite
def leaves(draw: st.DrawFn, is_of_line: bool) -> Any:
    names = [name for name, fact in FACTS.items() if is_of_line or not fact.is_of_line]
    fact = FACTS[draw(st.sampled_from([name for name in names if name != "customer.segment"]))]
    return {"fact": fact.name, **draw(comparisons(fact.kind))}


@st.composite
def comparisons(draw: st.DrawFn, kind: kinds.Kind) -> Any:
    word, value = draw(st.sampled_from(kind.words)), VALUES[id(kind)]
    if word in ("one_of", "none_of"):
        return {"is": word, "value": draw(st.lists(value, min_size=1, max_size=3))}
    if word == "between":
        return {"is": word, "value": sorted(draw(st.tuples(value, value)))}
    return {"is": word, "value": draw(value)}


bought = st.builds(
    lambda word, name, days, number: {
        "fact": "history.bought",
        word: name,
        "within_days": days,
        "is": "at_least",
        "value": number,
    },
    st.sampled_from(["sku", "category"]),
    st.sampled_from(NAMES),
    st.integers(1, 9),
    st.integers(0, 2),
)


def trees(leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.builds(lambda word, parts: {word: parts}, st.sampled_from(["all", "any"]), st.lists(inner, min_size=1)),
            st.builds(lambda part: {"not": part}, inner),
        ),
        max_leaves=8,
    )


of_lines = trees(leaves(is_of_line=True))
sums = st.builds(
    lambda where, summed, value: {"lines": {"where": where, "sum": summed}, "is": "at_least", "value": value},
    of_lines,
    st.sampled_from(["amount_minor", "quantity", "count"]),
    st.integers(0, 4),
)
conditions = trees(
    st.one_of(
        leaves(is_of_line=False),
        bought,
        sums,
        st.builds(lambda word, part: {word: part}, st.sampled_from(["any_line", "all_lines"]), of_lines),
        st.sampled_from([{"rule": str(each)} for each in SAVED]),
    )
)

lines = st.builds(
    Line,
    sku=st.sampled_from(NAMES),
    category=st.sampled_from(["", *NAMES]),
    quantity=st.sampled_from(["0", "1", "2", "0.5", "", "NaN", "-Infinity", "1e99999999", "tea"]),
    amount_minor=st.integers(0, 9),
    unit=st.sampled_from([None, "kg"]),
)
first = datetime(2026, 4, 30, tzinfo=UTC)
moments = st.integers(0, 9 * 24 * 60).map(lambda minutes: first + timedelta(minutes=minutes))
facts = st.builds(
    Facts,
    basket=st.builds(Basket, st.lists(lines, max_size=4).map(tuple)),
    at=moments,
    currency=st.sampled_from(["USD", "JPY", "XXX"]),
    customer_id=st.none() | st.sampled_from(IDS),
    till=st.none() | st.sampled_from([Till(merchant_id=each, store_id=each, terminal_id=each) for each in IDS]),
    person=st.none() | st.builds(Person, signed_up_at=moments, locale=st.none() | st.sampled_from(NAMES)),
    history=st.none()
    | st.builds(History, orders=st.integers(0, 3), spent_minor=st.integers(0, 12), last_at=st.none() | moments),
    bought=st.none()
    | st.dictionaries(st.tuples(st.sampled_from(["sku", "category"]), st.sampled_from(NAMES)), st.lists(moments)),
    audiences=st.none() | st.frozensets(st.sampled_from(IDS)),
    products=st.dictionaries(
        st.sampled_from(NAMES), st.builds(Product, st.just("x"), st.just("x"), st.just("x"), st.sampled_from(NAMES))
    ),
    store_reference=st.none() | st.sampled_from(NAMES),
)


@settings(max_examples=300, deadline=None)
@given(conditions, facts)
def test_what_decides_and_what_tells_why_agree(raw: Any, known: Facts) -> None:
    rule = rules.parse(raw, Notes(), known=SAVED)  # faults such as contradictions may stand in it

    told = rule.explain(known)

    assert told["is_met"] is rule.is_met(known)
    json.dumps(told)
    if rule.is_met(known):
        assert concern(rule.concerns, known)


def concern(concerns: Concerns, known: Facts) -> bool:
    """Whether an index by what rules concern would have found it."""
    there: dict[str, set[Any]] = {
        "skus": {line.sku for line in known.basket.lines},
        "categories": {line.category for line in known.basket.lines},
        "stores": {known.till.store_id} if known.till else set(),
        "audiences": set(known.audiences or ()),
    }
    return all(
        (wanted := getattr(concerns, name)) is None or not wanted.isdisjoint(found) for name, found in there.items()
    )


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(["basket.lines", "time.weekday", "history.first_order", "time.date"]), st.data(), facts)
def test_what_is_said_never_to_be_met_never_is(name: str, data: st.DataObject, known: Facts) -> None:
    asked = data.draw(st.lists(comparisons(FACTS[name].kind), min_size=2, max_size=3))
    notes = Notes()

    rule = rules.parse({"all": [{"fact": name, **each} for each in asked]}, notes)

    if any("never be met" in fault["detail"] for fault in notes.errors):
        assert not rule.is_met(known)


words = st.sampled_from(
    [*FACTS, "all", "any", "not", "fact", "is", "value", "lines", "where", "sum", "rule", "at_least"]
)
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | words | st.just(str(IDS[0])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(words | st.text(max_size=5), inner, max_size=4)
        | st.fixed_dictionaries(
            {"fact": words | inner, "is": st.sampled_from(["at_least", "equals"]) | inner, "value": inner}
        )
        | st.builds(lambda word, part: {word: part}, st.sampled_from(["all", "any", "not", "any_line", "lines"]), inner)
    ),
    max_leaves=15,
)


@settings(max_examples=500, deadline=None)
@given(junk, facts)
def test_no_json_makes_it_fail(raw: Any, known: Facts) -> None:
    notes = Notes()

    rule = rules.parse(raw, notes, known=SAVED)

    assert rule.explain(known)["is_met"] is rule.is_met(known)
    for fault in notes.errors:
        assert fault["detail"]
        assert len(fault["detail"]) < 1_000


def test_a_moment_at_the_end_of_the_calendar_does_not_matter_to_what_asks_for_none() -> None:
    known = Facts(basket=Basket(()), at=datetime.max.replace(tzinfo=UTC) - timedelta(days=1), currency="USD")

    assert not rules.parse({"fact": "basket.lines", "is": "at_least", "value": 1}, Notes()).is_met(known)
