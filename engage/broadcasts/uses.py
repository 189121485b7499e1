"""Uses: the broadcasts that go by a segment, so that it is not taken from under them."""

from core.db import Connection


def of_segment(connection: Connection, key: str) -> list[str]:
    """Those that were started and are not over; a draft is refused when it is started."""
    return [f"the broadcast “{row[0]}”" for row in connection.execute(_USERS, [key])]


_USERS = """
    SELECT b.name FROM engage.broadcast b JOIN insights.segment s ON s.id = b.segment_id
     WHERE s.key = %s AND b.status IN ('scheduled', 'preparing', 'stopped') ORDER BY b.name
"""
