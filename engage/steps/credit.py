"""credit: give the customer money of the brand's to spend, for so many days.

    {"kind": "credit", "amount_minor": 500, "currency": "USD", "days": 30, "next": "tell", "on_refused": "sorry"}

It stands in the wallet as promotional value, in a lot of its own that lapses.
"""

from dataclasses import dataclass
from typing import Any

from core.money import MAX_AMOUNT_MINOR, POINTS
from core.notes import Notes
from engage.steps.base import AskCredit, Giving
from engage.steps.numbers import whole
from wallet.assets import EXPONENTS, brand_currency

MOST_DAYS = 5 * 366

_MEMBERS = frozenset(("kind", "amount_minor", "currency", "days", "next", "on_refused"))


@dataclass(frozen=True)
class Credit(Giving):
    """It is refused where the wallet takes none: it is closed."""

    amount_minor: int
    currency: str
    days: int
    kind: str = "credit"

    @property
    def asks(self) -> AskCredit:
        return AskCredit(self.amount_minor, self.currency, self.days)


def parse_credit(raw: dict[str, Any], notes: Notes) -> Credit:
    notes.object_(raw, allowed=_MEMBERS, required=frozenset(("amount_minor", "days")))
    currency = raw.get("currency", brand_currency())
    if not isinstance(currency, str) or currency not in EXPONENTS or currency == POINTS:
        notes.at("currency").say("Must be a currency that the wallet holds, such as “USD”.")
        currency = brand_currency()
    amount = whole(
        raw.get("amount_minor", 1), notes.at("amount_minor"), least=1, most=MAX_AMOUNT_MINOR, what="an amount in cents"
    )
    days = whole(raw.get("days", 1), notes.at("days"), least=1, most=MOST_DAYS, what="a whole number of days")
    return Credit(amount, currency, days, next=raw.get("next"), on_refused=raw.get("on_refused"))
