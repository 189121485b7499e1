"""Trials: which variant of a journey's A/B step is drawn for a customer, known as soon as they enter.

Compared are all for whom a variant was drawn, whether they came to the step or not. Those who came are no fair sample:
where an earlier message makes treated customers leave before it, fewer and other ones of them come than of those held
out. Who never comes makes the difference smaller, and does not bend it.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID, uuid5

from engage.journeys.graph import Graph
from engage.steps import Ab
from engage.steps.shares import drawn_at


@dataclass(frozen=True, slots=True)
class Drawn:
    """trial: of the step, its variants and their shares: another version that changes any of them begins another one"""

    trial: UUID
    variant: str


def of_customer(graph: Graph, customer_id: UUID, *, journey_id: UUID) -> Drawn | None:
    """What the first of the journey's A/B steps gives this customer; None where it has none that counts.

    A step that draws anew at each visit ("sticky": false) counts as none: its customers may have had every variant.
    """
    for name in _in_order(graph):
        step = graph.steps[name]
        if isinstance(step, Ab) and step.is_sticky:
            shares = "|".join(f"{way.name}={way.bps}" for way in step.ways)
            variant = drawn_at(name, step.ways, customer_id, journey_id=journey_id).name
            return Drawn(uuid5(journey_id, f"{name}|{shares}"), variant)
    return None


def _in_order(graph: Graph) -> Iterator[str]:
    """The steps by how few lie before them; of equals, as their branches are drawn."""
    seen, waiting = {graph.first}, deque([graph.first])
    while waiting:
        name = waiting.popleft()
        yield name
        for to in graph.steps[name].branches.values():
            if to is not None and to not in seen:
                seen.add(to)
                waiting.append(to)
