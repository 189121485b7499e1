"""Every fact that a rule may ask about: its kind, where it is read from, and what it is called."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rewards.baskets import Line
from rewards.products import Product
from rewards.rules import kinds
from rewards.rules.facts import Facts, Need, quantity_of
from rewards.rules.kinds import Kind

#: What a fact is; None where nobody knows. Only facts of a line look at the line.
Get = Callable[[Facts, Line], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """label  what it is called in a sentence: "The basket's total is 12.00 USD" """

    name: str
    kind: Kind
    label: str
    get: Get
    need: Need | None = None

    @property
    def is_of_line(self) -> bool:
        return self.name.startswith("line.")


def unit_price(line: Line) -> int | None:
    """In minor units, rounded half to even."""
    quantity = quantity_of(line.quantity)
    return round(Decimal(line.amount_minor) / quantity) if quantity else None


def _signed_up_days(facts: Facts, _: Line) -> int | None:
    return max((facts.at - facts.person.signed_up_at).days, 0) if facts.person else None


def _locale(facts: Facts, _: Line) -> str | None:
    return facts.person.locale if facts.person else None


def _days_since_last(facts: Facts, _: Line) -> int | None:
    last = facts.history.last_at if facts.history else None
    return max((facts.at - last).days, 0) if last else None


def _weekday(facts: Facts, _: Line) -> str:
    return kinds.WEEKDAYS[facts.local.weekday()]


def _of_product(member: str) -> Get:
    def get(facts: Facts, line: Line) -> str | None:
        product: Product | None = facts.products.get(line.sku)
        return getattr(product, member) if product else None

    return get


#: How many days back a rule may ask what was bought.
MOST_DAYS_BACK = 730

#: It is asked with a sku or a category and the days, so it is read by `parsing` itself.
BOUGHT = "history.bought"
BOUGHT_LABEL = "The number of the customer's orders with a sku or a category, within_days"

_ALL = [
    Fact(
        name="customer.is_known",
        kind=kinds.FLAG,
        label="Whether the till knows the customer",
        get=lambda facts, _: facts.customer_id is not None,
    ),
    Fact(
        name="customer.signed_up_days",
        kind=kinds.DAYS,
        label="The time since the customer signed up",
        get=_signed_up_days,
        need="customer",
    ),
    Fact(name="customer.locale", kind=kinds.TEXT, label="The customer's language", get=_locale, need="customer"),
    Fact(
        name="customer.audience",
        kind=kinds.IDS,
        label="The customer's audience",
        get=lambda facts, _: facts.audiences,
        need="audiences",
    ),
    Fact(
        name="customer.segment",
        kind=kinds.NAMES,
        label="The customer's segment",
        get=lambda facts, _: facts.segments,
        need="segments",
    ),
    Fact(
        name="basket.total_minor",
        kind=kinds.MONEY,
        label="The basket's total",
        get=lambda facts, _: facts.basket.total_minor,
    ),
    Fact(
        name="basket.lines",
        kind=kinds.COUNT,
        label="The number of the basket's lines",
        get=lambda facts, _: len(facts.basket.lines),
    ),
    Fact(
        name="basket.quantity",
        kind=kinds.COUNT,
        label="The number of things in the basket",
        get=lambda facts, _: facts.pieces,
    ),
    Fact(name="line.sku", kind=kinds.TEXT, label="The line's product", get=lambda _, line: line.sku),
    Fact(name="line.category", kind=kinds.TEXT, label="The line's category", get=lambda _, line: line.category or None),
    Fact(
        name="line.department",
        kind=kinds.TEXT,
        label="The line's department",
        get=_of_product("department"),
        need="products",
    ),
    Fact(name="line.brand", kind=kinds.TEXT, label="The line's brand", get=_of_product("brand"), need="products"),
    Fact(
        name="line.quantity",
        kind=kinds.QUANTITY,
        label="The line's quantity",
        get=lambda _, line: quantity_of(line.quantity),
    ),
    Fact(name="line.amount_minor", kind=kinds.MONEY, label="The line's amount", get=lambda _, line: line.amount_minor),
    Fact(
        name="line.unit_price_minor",
        kind=kinds.MONEY,
        label="The line's price for one",
        get=lambda _, line: unit_price(line),
    ),
    Fact(name="store.id", kind=kinds.ID, label="The store", get=lambda facts, _: facts.till and facts.till.store_id),
    Fact(
        name="store.merchant_id",
        kind=kinds.ID,
        label="The merchant",
        get=lambda facts, _: facts.till and facts.till.merchant_id,
    ),
    Fact(
        name="store.reference",
        kind=kinds.TEXT,
        label="The merchant's number of the store",
        get=lambda facts, _: facts.store_reference,
        need="store",
    ),
    Fact(name="time.weekday", kind=kinds.WEEKDAY, label="The day of the week", get=_weekday),
    Fact(name="time.date", kind=kinds.DATE, label="The day", get=lambda facts, _: facts.local.date()),
    Fact(name="time.time", kind=kinds.CLOCK, label="The time of the day", get=lambda facts, _: facts.local.time()),
    Fact(
        name="history.orders",
        kind=kinds.COUNT,
        label="The number of the customer's orders so far",
        get=lambda facts, _: facts.history and facts.history.orders,
        need="history",
    ),
    Fact(
        name="history.spent_minor",
        kind=kinds.MONEY,
        label="What the customer has bought so far",
        get=lambda facts, _: facts.history and facts.history.spent_minor,
        need="history",
    ),
    Fact(
        name="history.days_since_last",
        kind=kinds.DAYS,
        label="The time since the customer's last order",
        get=_days_since_last,
        need="history",
    ),
    Fact(
        name="history.first_order",
        kind=kinds.FLAG,
        label="Whether this is the customer's first order",
        get=lambda facts, _: facts.history and facts.history.orders == 0,
        need="history",
    ),
]

FACTS = {fact.name: fact for fact in _ALL}


def described() -> list[dict[str, Any]]:
    """What a person who writes a rule may ask about, by which words, with a value of which kind."""
    asked = [*_ALL, Fact(name=BOUGHT, kind=kinds.COUNT, label=BOUGHT_LABEL, get=lambda facts, line: None)]
    return [
        {
            "fact": fact.name,
            "label": fact.label,
            "words": fact.kind.words,
            "value": fact.kind.wanted,
            "is_of_line": fact.is_of_line,
        }
        for fact in asked
    ]
