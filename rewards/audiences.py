"""Audiences: the customers that a campaign is meant for. Campaigns of one mailing share one."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.db import Connection, connection_of
from rewards.models import Audience


def create(session: Session, customer_ids: Iterable[UUID], *, now: datetime) -> UUID:
    """Keep these customers as one audience, with one statement for any number; a customer named twice counts once."""
    audience = Audience(id=ids.new(), created_at=now)
    session.add(audience)
    session.flush()
    connection_of(session).execute(
        "INSERT INTO rewards.audience_member (audience_id, customer_id) SELECT %s, unnest(%s::uuid[])",
        [audience.id, sorted(set(customer_ids))],
    )
    return audience.id


def members(connection: Connection, pairs: Iterable[tuple[UUID, UUID]]) -> set[tuple[UUID, UUID]]:
    """Those of the (audience, customer) pairs where the customer belongs."""
    wanted = sorted(set(pairs))
    if not wanted:
        return set()
    found = connection.execute(
        """
        SELECT m.audience_id, m.customer_id
          FROM rewards.audience_member m
          JOIN unnest(%s::uuid[], %s::uuid[]) AS w (audience_id, customer_id) USING (audience_id, customer_id)
        """,
        [[audience for audience, _ in wanted], [customer for _, customer in wanted]],
    )
    return {(row[0], row[1]) for row in found}
