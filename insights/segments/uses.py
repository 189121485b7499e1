"""Who goes by a segment. What rooms above insights keep is handed in by the wiring, never imported."""

from collections.abc import Callable, Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import Connection, connection_of

#: Those who go by the segment of a key, as sentences name them: "the journey “Win back”".
UsersOf = Callable[[Connection, str], Sequence[str]]

_asked: Sequence[UsersOf] = ()


def register(users_of: Sequence[UsersOf]) -> None:
    """Take the answers of the rooms above."""
    global _asked
    _asked = tuple(users_of)


def of(session: Session, segment_id: UUID, key: str) -> list[str]:
    """Segments, rules, campaigns, and whoever else was registered."""
    connection = connection_of(session)
    rows = connection.execute(_USERS, {"id": segment_id, "key": key}).fetchall()
    return [f"the {kind} “{name}”" for kind, name in rows] + [
        name for users_of in _asked for name in users_of(connection, key)
    ]


# A rule may name one key or a list of them.
_IN_RULE = """jsonb_path_exists({0}, '$.** ? (@.fact == "customer.segment" && @.value == $key)',
                                jsonb_build_object('key', %(key)s::text))"""

_USERS = f"""
    SELECT 'segment', s.name FROM insights.segment_part p JOIN insights.segment s ON s.id = p.segment_id
     WHERE p.part_id = %(id)s
     UNION ALL
    SELECT 'rule', r.name FROM rewards.rule r WHERE {_IN_RULE.format("r.condition")}
     UNION ALL
    SELECT 'campaign', c.name FROM rewards.campaign c WHERE c.state <> 'ended' AND {_IN_RULE.format("c.rule")}
"""  # noqa: S608 - constants only
