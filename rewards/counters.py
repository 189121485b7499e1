"""Limits: how often a campaign was used, in all and by each customer, counted so that no race can pass the cap."""

from collections.abc import Mapping
from uuid import UUID

from core.db import Connection

#: A counter's name: its campaign and 'total' or 'customer:<id>'.
Counted = tuple[UUID, str]

TOTAL = "total"


def scope_of(customer_id: UUID) -> str:
    return f"customer:{customer_id}"


def lock(connection: Connection, caps: Mapping[Counted, int]) -> dict[Counted, int]:
    """How many uses each counter has left, until this transaction ends: nobody else can use one meanwhile.

    effects  makes missing counters; inserts and locks in (campaign, scope) order, so that two never wait for each other
    """
    if not caps:
        return {}
    names = sorted(caps)
    campaign_ids, scopes = [name[0] for name in names], [name[1] for name in names]
    # Almost all counters exist already or are this customer's own: DO NOTHING leaves a row for the lock to find.
    connection.execute(_MAKE, [campaign_ids, scopes, [caps[name] for name in names]])
    return {(row[0], row[1]): row[2] for row in connection.execute(_LOCK, [campaign_ids, scopes])}


def add(connection: Connection, uses: Mapping[Counted, int]) -> None:
    """Count uses of counters that this transaction has locked.

    raises  LimitReached (ck_counter_cap) past the cap, whatever the caller thought was left
    """
    if uses:
        names = sorted(uses)
        connection.execute(_ADD, [[name[0] for name in names], [name[1] for name in names], [uses[n] for n in names]])


_MAKE = """
    INSERT INTO rewards.counter (campaign_id, scope, used, cap)
    SELECT campaign_id, scope, 0, cap
      FROM unnest(%s::uuid[], %s::text[], %s::int[]) WITH ORDINALITY AS c (campaign_id, scope, cap, position)
     ORDER BY position
        ON CONFLICT DO NOTHING
"""

_LOCK = """
    SELECT c.campaign_id, c.scope, c.cap - c.used - c.held
      FROM rewards.counter c
      JOIN unnest(%s::uuid[], %s::text[]) AS w (campaign_id, scope) USING (campaign_id, scope)
     WHERE c.measure = 'uses' AND c.bucket = ''
     ORDER BY c.campaign_id, c.scope
       FOR UPDATE OF c
"""

_ADD = """
    UPDATE rewards.counter c
       SET used = c.used + u.uses
      FROM unnest(%s::uuid[], %s::text[], %s::int[]) AS u (campaign_id, scope, uses)
     WHERE c.campaign_id = u.campaign_id AND c.scope = u.scope AND c.measure = 'uses' AND c.bucket = ''
"""
