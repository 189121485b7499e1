"""Uses: the journeys and broadcasts that say a template, so that nobody takes from them what they need."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of
from engage.templates import variables
from engage.templates.variables import Variables

#: The events behind entries that name none.
_EVENTS = {"date": "date.reached", "door": "entry.requested"}


@dataclass(frozen=True, slots=True)
class Use:
    """A step of a journey. name: the journey's; says: what its trigger gives; channels: by which it sends."""

    name: str
    says: Variables
    channels: tuple[str, ...]


def of(session: Session, template_id: UUID) -> list[Use]:
    """Each step that sends its newest version, of a journey that people may enter or are inside of."""
    rows = connection_of(session).execute(_JOURNEYS, {"template": str(template_id)})
    return [
        Use(name, _says(graph), channels) for name, graph in rows for channels in _channels(graph, str(template_id))
    ]


def broadcasts_of(session: Session, template_id: UUID) -> list[str]:
    """The broadcasts that are not over. Those that were started keep to the version that they began with."""
    return [row[0] for row in connection_of(session).execute(_BROADCASTS, [template_id])]


def _channels(graph: dict[str, Any], template_id: str) -> Iterator[tuple[str, ...]]:
    for step in graph["steps"].values():
        if step.get("template_id") == template_id:
            channel = step.get("channel", step.get("channels", ()))
            yield (channel,) if isinstance(channel, str) else tuple(channel)


def _says(graph: dict[str, Any]) -> Variables:
    entry = graph.get("entry") or graph.get("trigger") or {}
    if "segment" in entry:
        return variables.of_event(f"segment.{entry.get('on', 'entered')}")
    return variables.of_event(next((name for kind, name in _EVENTS.items() if kind in entry), entry.get("event", "")))


_JOURNEYS = """
    SELECT j.name, v.graph
      FROM engage.journey j JOIN engage.journey_version v ON v.journey_id = j.id
     WHERE jsonb_path_exists(v.graph, '$.steps.* ? (@.template_id == $template)',
                             jsonb_build_object('template', %(template)s::text))
       AND (v.id = j.live_version_id AND j.status <> 'ended'
            OR EXISTS (SELECT FROM engage.enrolment e WHERE e.version_id = v.id AND e.state <> 'ended'))
     ORDER BY j.name, v.number
"""

_BROADCASTS = """
    SELECT name FROM engage.broadcast
     WHERE template_id = %s AND status NOT IN ('done', 'cancelled')
     ORDER BY name
"""
