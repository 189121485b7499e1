"""How far a backtest can be trusted, in words: what it assumes, and what makes it weak."""

from datetime import datetime, timedelta
from typing import Any

from engage.backtests import reading
from engage.backtests.memory import Memory
from engage.backtests.report import Report
from engage.backtests.world import House
from engage.journeys.graph import Graph
from engage.steps import IssueVoucher, Wait

_SHORT = timedelta(days=28)
_FEW = 100

#: True of every backtest.
_ALWAYS = (
    "Consents, addresses, devices and the contact policy are today's; what other journeys sent is not counted.",
    "Customers do what they did: nobody reacts to a message or a voucher.",
    "Campaigns give as if they ran all the time and their budgets had no end; spend is told by day, not enforced.",
)


def words(
    graph: Graph,
    report: Report,
    house: House,
    memory: Memory,
    *,
    since: datetime,
    until: datetime,
    left_out: int = 0,
) -> dict[str, Any]:
    """{"word": "low", "fair" or "good", "because": [...]}: the weakest of what speaks against it.

    left_out  customers whose events are too many to be played
    """
    low, fair = [], []
    if sum(report.entries.values()) < _FEW:
        low.append(f"Fewer than {_FEW} entries: chance alone moves every number.")
    if graph.entry.kind != "event":
        low.append("Only those segments, dates and doors count that the log told of at the time.")
    if until - since < _SHORT:
        fair.append("Less than four weeks of the past were played.")
    if left_out:
        fair.append(f"Left out: {left_out}, who did more than {reading.MOST_OF_ONE} things each, as robots do.")
    if memory.is_of_today:
        fair.append("Traits, balances, vouchers, segments and phases are today's, not those of the time.")
    if any(house.shares[each] is None for each in house.campaigns):
        fair.append("Of some campaigns too few vouchers were given to say how many are redeemed.")
    if any(isinstance(step, IssueVoucher) for step in graph.steps.values()) and any(
        isinstance(step, Wait) and step.for_event == "voucher.redeemed" for step in graph.steps.values()
    ):
        fair.append("Vouchers that were never given are never redeemed: every wait for that runs out.")
    return {
        "word": "low" if low else "fair" if fair else "good",
        "because": [*low, *fair],
        "assumes": list(_ALWAYS),
    }
