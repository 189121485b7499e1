"""What journeys go by, told to the rooms that keep it, so that nobody takes it from under them."""

from collections.abc import Sequence

from core.db import Connection
from engage.journeys import graph
from engage.journeys.errors import JourneyInvalid
from insights.streams import Stream


def of_segment(connection: Connection, key: str) -> Sequence[str]:
    """The journeys that people may enter or are inside of, whose graph names a segment."""
    return [f"the journey “{name}”" for (name,) in connection.execute(_OF_SEGMENT, {"key": key})]


def asked_streams(connection: Connection) -> set[Stream] | None:
    """What journeys count: those that people may enter or are inside of, and drafts; None where one is not understood
    by this release."""
    asked: set[Stream] = set()
    for raw, is_published in connection.execute(_GRAPHS):
        try:
            asked |= graph.parse(raw).streams
        except JourneyInvalid:
            if is_published:
                return None  # a draft with faults asks for nothing yet
    return asked


_OF_SEGMENT = """
    SELECT DISTINCT j.name
      FROM engage.journey j JOIN engage.journey_version v ON v.journey_id = j.id
     WHERE jsonb_path_exists(v.graph, '$.** ? (@.segment == $key)', jsonb_build_object('key', %(key)s::text))
       AND (v.id = j.live_version_id AND j.status <> 'ended'
            OR EXISTS (SELECT FROM engage.enrolment e WHERE e.version_id = v.id AND e.state <> 'ended'))
     ORDER BY j.name
"""

_GRAPHS = """
    SELECT v.graph, true FROM engage.journey j JOIN engage.journey_version v ON v.journey_id = j.id
     WHERE v.id = j.live_version_id AND j.status <> 'ended'
        OR EXISTS (SELECT FROM engage.enrolment e WHERE e.version_id = v.id AND e.state <> 'ended')
     UNION ALL
    SELECT j.draft, false FROM engage.journey j WHERE j.draft IS NOT NULL AND j.status <> 'ended'
"""
