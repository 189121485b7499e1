"""Published versions at hand: read once a batch by id, compiled once a process."""

import logging
import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.db import connection_of
from engage.journeys import graph, spending
from engage.journeys.errors import JourneyInvalid
from engage.journeys.graph import Graph
from engage.journeys.models import Journey, JourneyVersion
from engage.journeys.spending import Spend
from insights.streams import catalogue as streams

#: None: this release does not understand it any more.
_compiled: dict[UUID, Graph | None] = {}
_compiling = threading.Lock()

#: Versions whose conditions have all that they ask about; a stream that is counted stays so.
_counted: set[UUID] = set()

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Version:
    """is_entered: whether new customers enter it now. opened_at: when its journey's first version was published.

    spend       what its journey may give away; None: any amount
    is_holding  whether those inside stand still
    """

    id: UUID
    journey_id: UUID
    status: str
    holdout_bps: int
    is_entered: bool
    opened_at: datetime
    graph: Graph
    spend: Spend | None = None
    is_holding: bool = False


class Catalogue:
    """Every version that someone may be walking, and the events that any of them wants."""

    def __init__(self, versions: list[Version]) -> None:
        self.versions = {version.id: version for version in versions}
        self._entered: dict[str, list[Version]] = {}
        for version in versions:
            if version.is_entered:
                self._entered.setdefault(version.graph.entry.event, []).append(version)
        self.awaited = frozenset(name for version in versions for name in version.graph.awaited)
        self.names = self.awaited | self._entered.keys()

    def entered_by(self, name: str) -> list[Version]:
        """The versions that this event lets customers into."""
        return self._entered.get(name, [])


def catalogue(session: Session) -> Catalogue:
    """What is published now, in one statement once every version has been compiled.

    A version that this release does not understand (an older one published it) is left out, so that it stops nobody
    but those inside it.
    """
    rows = session.execute(_PUBLISHED).all()
    graphs = _graphs(session, [row[0] for row in rows])
    return Catalogue(
        [
            Version(
                id=version_id,
                journey_id=journey_id,
                status=status,
                holdout_bps=holdout_bps,
                is_entered=status == "live"
                and version_id == live_version_id
                and is_counted(session, version_id, drawn),
                opened_at=opened_at,
                graph=drawn,
                spend=spending.of(spend),
                is_holding=is_holding,
            )
            for version_id, journey_id, status, holdout_bps, live_version_id, opened_at, spend, is_holding in rows
            if (drawn := graphs[version_id]) is not None
        ]
    )


def is_counted(session: Session, version_id: UUID, drawn: Graph) -> bool:
    """Whether all that its conditions ask about is counted: until then nobody enters, since “has never bought” would
    hold for everyone.
    """
    if version_id in _counted or not drawn.streams:
        return True
    known = streams.ids_of(connection_of(session), drawn.streams)
    if len(known) < len(drawn.streams) or not all(is_live for _, is_live in known.values()):
        return False
    _counted.add(version_id)
    return True


def graph_of(session: Session, version_id: UUID) -> Graph:
    """The graph of one version.

    raises  JourneyInvalid for one that this release does not understand any more
    """
    found = _graphs(session, [version_id])[version_id]
    if found is None:
        raise JourneyInvalid
    return found


_PUBLISHED = select(
    JourneyVersion.id,
    Journey.id,
    Journey.status,
    Journey.holdout_bps,
    Journey.live_version_id,
    func.min(JourneyVersion.published_at).over(partition_by=Journey.id),
    Journey.spend,
    Journey.is_holding,
).join(Journey, Journey.id == JourneyVersion.journey_id)


def _graphs(session: Session, version_ids: list[UUID]) -> dict[UUID, Graph | None]:
    missing = [version_id for version_id in version_ids if version_id not in _compiled]
    if missing:
        query = select(JourneyVersion.id, JourneyVersion.graph).where(JourneyVersion.id.in_(missing))
        found: list[tuple[UUID, dict[str, Any]]] = [(row[0], row[1]) for row in session.execute(query)]
        with _compiling:
            for version_id, raw in found:
                # A version never changes, so neither does what it compiles to.
                _compiled[version_id] = _compile(version_id, raw)
    return {version_id: _compiled[version_id] for version_id in version_ids}


def _compile(version_id: UUID, raw: dict[str, Any]) -> Graph | None:
    try:
        return graph.parse(raw)
    except JourneyInvalid as error:
        _log.error("journey version %s is not understood any more: %s", version_id, error.facts)
        return None
