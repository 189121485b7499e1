"""Judging customers by segments: what the reader, the building and midnight have in common."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from core.db import Connection
from core.events import LoggedEvent
from insights.segments import membership
from insights.segments.catalogue import Followed
from insights.segments.facts import Need
from insights.segments.loading import load
from insights.segments.membership import Judged


def judge(
    connection: Connection,
    asked: Mapping[UUID, Collection[Followed]],
    now: datetime,
    *,
    causes: Mapping[UUID, LoggedEvent] | None = None,
    is_rebuild: bool = False,
) -> int:
    """Judge each customer by each of the segments named for them; returns how many entered or left.

    The caller holds the offset of the insights reader for the customers' slots.
    """
    needs: set[Need] = set()
    for segment in {each.id: each for segments in asked.values() for each in segments}.values():
        needs |= segment.needs
    facts = load(connection, needs, asked, now)
    judged = []
    for customer_id, segments in asked.items():
        about = facts[customer_id]
        is_known = about.profile is not None  # else the log has told nothing of them yet, or nothing any more
        for segment in segments:
            condition = segment.condition_of(customer_id)
            if condition is not None:
                judged.append(
                    Judged(
                        customer_id=customer_id,
                        segment_id=segment.id,
                        key=segment.key,
                        revision=segment.revision,
                        is_in=is_known and condition.holds(about),
                        recheck_on=condition.turns_on(about) if is_known else None,
                        is_rebuild=is_rebuild,
                        cause=causes.get(customer_id) if causes else None,
                    )
                )
    return membership.settle(connection, judged, now)
