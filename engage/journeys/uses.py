"""What journeys go by, told to the rooms that keep it, so that nobody takes it from under them."""

from collections.abc import Sequence

from core.db import Connection


def of_segment(connection: Connection, key: str) -> Sequence[str]:
    """The journeys that people may enter or are inside of, whose graph names a segment."""
    return [f"the journey “{name}”" for (name,) in connection.execute(_OF_SEGMENT, {"key": key})]


_OF_SEGMENT = """
    SELECT DISTINCT j.name
      FROM engage.journey j JOIN engage.journey_version v ON v.journey_id = j.id
     WHERE jsonb_path_exists(v.graph, '$.** ? (@.segment == $key)', jsonb_build_object('key', %(key)s::text))
       AND (v.id = j.live_version_id AND j.status <> 'ended'
            OR EXISTS (SELECT FROM engage.enrolment e WHERE e.version_id = v.id AND e.state <> 'ended'))
     ORDER BY j.name
"""
