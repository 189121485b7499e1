"""How often a customer bought a product, or something of a category, lately."""

from datetime import timedelta
from typing import Any

from core.notes import Notes
from rewards.baskets import Line
from rewards.rules import kinds, parts
from rewards.rules.facts import Bought, Facts
from rewards.rules.kinds import COUNT, Unreadable
from rewards.rules.leaves import BOUGHT, MOST_DAYS_BACK, Fact
from rewards.rules.parts import Part

KIND = COUNT
MEMBERS = frozenset(("fact", "sku", "category", "within_days", "is", "value"))
_WORDS = ("sku", "category")


def read(raw: dict[str, Any], notes: Notes) -> Bought | None:
    """What is asked about; None, with the fault noted, when it cannot be read."""
    words = [word for word in _WORDS if word in raw]
    if len(words) != 1:
        notes.say("Name what was bought: either “sku” or “category”.")
        return None
    days = raw.get("within_days")
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= MOST_DAYS_BACK:
        notes.at("within_days").say(f"Must be a whole number of 1 to {MOST_DAYS_BACK} days.")
        return None
    try:
        return Bought(words[0], kinds.TEXT.read(raw[words[0]]), days)
    except Unreadable:
        notes.at(words[0]).say(f"Must be {kinds.TEXT.wanted}.")
        return None


def part(asked: Bought, word: str, value: Any) -> Part:
    """The condition on the number of orders."""
    key, within = (asked.word, asked.name), timedelta(days=asked.within_days)

    def get(facts: Facts, _: Line) -> int | None:
        if facts.bought is None:
            return None
        since = facts.at - within
        return sum([since <= at < facts.at for at in facts.bought.get(key, ())])

    label = f"The number of the customer's orders with {asked.name} in the last {asked.within_days} days"
    fact = Fact(name=BOUGHT, kind=KIND, label=label, get=get, need=asked)
    return parts.leaf(fact, word, value, about={asked.word: asked.name, "within_days": asked.within_days})
