"""What rules may ask of a customer's earlier orders, remembered while the past is played instead of read each time."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from rewards.rules.facts import Bought, Facts, History, Need
from rewards.simulation.orders import Order


class Memory:
    """needs: what the rules that are played ask for. Returns are not remembered: an order counts as it was paid."""

    def __init__(self, needs: Collection[Need]) -> None:
        self._has_history = "history" in needs
        self._asked = [need for need in needs if isinstance(need, Bought)]
        self._names = {(need.word, need.name) for need in self._asked}
        self._orders: Counter[UUID] = Counter()
        self._spent: Counter[tuple[UUID, str]] = Counter()
        self._last: dict[UUID, datetime] = {}
        self._bought: dict[UUID, dict[tuple[str, str], list[datetime]]] = {}

    def since(self, begin: datetime, *, first: datetime) -> datetime:
        """From when on orders must be seen, to know what came before `begin`; `first`: before the log's first order."""
        if self._has_history:
            return min(first, begin)
        return begin - timedelta(days=max([need.within_days for need in self._asked], default=0))

    def tell(self, facts: Facts) -> None:
        """Fill in what the customer did before this basket."""
        who = facts.customer_id
        if who is None:
            return
        if self._has_history:
            spent = self._spent[who, facts.currency]
            facts.history = History(orders=self._orders[who], spent_minor=spent, last_at=self._last.get(who))
        if self._asked:
            facts.bought = self._bought.get(who, {})

    def keep(self, order: Order) -> None:
        """Remember an order, once it was played."""
        who = order.customer_id
        if self._has_history:
            self._orders[who] += 1
            self._spent[who, order.currency] += order.basket.total_minor
            self._last[who] = order.at
        if self._asked:
            lines = order.basket.lines
            seen = {("sku", line.sku) for line in lines} | {("category", line.category) for line in lines}
            for name in seen & self._names:
                self._bought.setdefault(who, {}).setdefault(name, []).append(order.at)
