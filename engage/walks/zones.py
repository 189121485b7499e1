"""Zones: the customers' own time zones, where a step of their journey goes by their clock."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy.orm import Session

from auth import customers
from engage.journeys.graph import Graph
from engage.journeys.versions import Version
from engage.steps.wait_until import WaitUntil


def of_walks(
    session: Session, versions: Mapping[UUID, Version], walks: Iterable[tuple[UUID, UUID]]
) -> dict[UUID, str | None]:
    """By customer; those whose journeys never ask are left out. walks: (version, customer)"""
    wanted = {customer for version, customer in walks if goes_by_the_clock(versions[version].graph)}
    return customers.time_zones(session, wanted) if wanted else {}


def goes_by_the_clock(graph: Graph) -> bool:
    return any(isinstance(step, WaitUntil) for step in graph.steps.values())
