"""Starting and cancelling: from here on workers prepare it, or stop and take back what has not left."""

import itertools
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit, ids, work
from core.db import connection_of
from core.events import announce
from engage.broadcasts import drafting, stopping
from engage.broadcasts.errors import (
    BroadcastAudienceGrew,
    BroadcastOver,
    BroadcastStarted,
    BroadcastWithoutCampaign,
    SegmentNotReady,
)
from engage.broadcasts.events import BroadcastBegun, BroadcastCancelled
from engage.broadcasts.models import (
    CANCELLED,
    DONE,
    DRAFT,
    PARTS,
    PREPARING,
    SCHEDULED,
    STOPPED,
    TAKING_BACK,
    WAITING,
    Broadcast,
    BroadcastPart,
)
from engage.templates.models import Template
from insights.segments import membership
from insights.segments.models import BUILDING, Segment
from rewards import funds, terms
from rewards.errors import BudgetExhausted, CampaignNotRunning

#: The line of the worker that prepares.
LINE = "engage.broadcasts"

#: A segment that has grown by more since somebody looked at it is not the one that they meant.
MOST_GROWTH = 0.2

#: What quiet hours or a provider put off waits for no longer than this.
_HELD_FOR = timedelta(hours=26)
_MOST_LOOKED_THROUGH = 10_000


def start(session: Session, broadcast_id: UUID, *, expected: int, actor: str, now: datetime) -> Broadcast:
    """Let workers prepare a draft, at once or from `starts_at` on; or go on with one that has stopped.

    expected  how many members the one who starts it was shown
    raises    NotFound; BroadcastStarted; BroadcastInvalid; SegmentNotReady; BroadcastAudienceGrew;
              BroadcastWithoutCampaign while its campaign gives no vouchers; BudgetExhausted where not even one
    effects   pins what its saved template says now; audited; announces broadcast.started
    """
    from_ = STOPPED if drafting.find(session, broadcast_id).status == STOPPED else DRAFT
    if from_ == STOPPED:
        stopping.hold(session, broadcast_id)
    broadcast = drafting.locked(session, broadcast_id)
    if broadcast.status != from_:
        raise BroadcastStarted
    drafting.check(session, broadcast)
    members = members_of(session, broadcast)
    if members > expected + expected * MOST_GROWTH:
        raise BroadcastAudienceGrew(expected=expected, members=members)

    begins = max(broadcast.starts_at or now, now)
    _check_campaign(session, broadcast, at=begins)
    if from_ == STOPPED:
        stopping.resume(session, broadcast, now=now)
        _record(session, broadcast, "broadcast.resume", {"members": members, "expected": expected}, actor, now)
        work.nudge_after(session, LINE)
        return broadcast
    parts = _parts(session, broadcast, begins)
    broadcast.status = SCHEDULED if begins > now else PREPARING
    broadcast.expected, broadcast.started_by, broadcast.started_at = sum(part.places for part in parts), actor, now
    if broadcast.template_id is not None:
        pinned = select(Template.live_version_id).where(Template.id == broadcast.template_id)
        broadcast.template_version_id = session.scalar(pinned)
    session.add_all(parts)
    _record(session, broadcast, "broadcast.start", {"members": members, "expected": expected}, actor, now)
    announce(
        session,
        BroadcastBegun(occurred_at=now, broadcast_id=broadcast_id, segment_id=broadcast.segment_id, expected=members),
    )
    work.nudge_after(session, LINE)
    return broadcast


def cancel(session: Session, broadcast_id: UUID, *, actor: str, now: datetime) -> Broadcast:
    """Prepare no more of it, and take back what has not left yet; said twice it is said once.

    raises   NotFound; BroadcastOver once everybody was dealt with and what was to leave has its time behind it
    effects  audited; announces broadcast.cancelled
    """
    # Parts come before their broadcast, as in a worker that ends the last one.
    _stop(session, broadcast_id)
    broadcast = drafting.locked(session, broadcast_id)
    if broadcast.status == CANCELLED:
        return broadcast
    if broadcast.status == DONE and not _is_leaving(session, broadcast, now=now):
        raise BroadcastOver

    _stop(session, broadcast_id)
    broadcast.status, broadcast.ended_at = CANCELLED, now
    connection_of(session).execute(_TAKE_BACK, [TAKING_BACK, now, broadcast_id])
    _record(session, broadcast, "broadcast.cancel", {}, actor, now)
    announce(
        session,
        BroadcastCancelled(occurred_at=now, broadcast_id=broadcast_id, segment_id=broadcast.segment_id),
    )
    work.nudge_after(session, LINE)
    return broadcast


def members_of(session: Session, broadcast: Broadcast) -> int:
    """How many members its segment has now.

    raises  SegmentNotReady while nobody knows
    """
    segment = session.get(Segment, broadcast.segment_id)
    if segment is None or (segment.status == BUILDING and segment.previous is None):
        raise SegmentNotReady
    return membership.count(connection_of(session), broadcast.segment_id)


def _check_campaign(session: Session, broadcast: Broadcast, *, at: datetime) -> None:
    if broadcast.campaign_id is None:
        return
    of = terms.load_one(session, broadcast.campaign_id)
    try:
        of.check_running(at)
    except CampaignNotRunning as refusal:
        raise BroadcastWithoutCampaign(**refusal.facts) from refusal
    if of.value_minor:
        left = funds.available(connection_of(session), [of.budget_account]).get(of.budget_account, 0)
        if left < of.value_minor:
            raise BudgetExhausted(needed_minor=of.value_minor, left_minor=left)


def _parts(session: Session, broadcast: Broadcast, begins: datetime) -> list[BroadcastPart]:
    members: dict[int, int] = dict(connection_of(session).execute(_BY_SLOT, [broadcast.segment_id]).fetchall())
    first_places = [0, *itertools.accumulate(members.get(slot, 0) for slot in range(PARTS))]
    return [
        BroadcastPart(
            id=ids.new(),
            broadcast_id=broadcast.id,
            slot=slot,
            state=WAITING,
            due_at=begins,
            first_place=first_places[slot],
            places=members.get(slot, 0),
        )
        for slot in range(PARTS)
    ]


def _stop(session: Session, broadcast_id: UUID) -> None:
    """Waits for the chunks that are under way, and lets no other begin."""
    connection_of(session).execute(_STOP, [broadcast_id])


def _is_leaving(session: Session, broadcast: Broadcast, *, now: datetime) -> bool:
    """Whether something of it waits yet. Where more waits than can be looked through, something of it may."""
    asked = {
        "id": broadcast.id,
        "now": now,
        "channels": broadcast.channels,
        "purpose": broadcast.purpose,
        "until": now + _HELD_FOR,
        "most": _MOST_LOOKED_THROUGH,
    }
    found = connection_of(session).execute(_LEAVING, asked).fetchone()
    return bool(found and found[0])


def _record(
    session: Session, broadcast: Broadcast, action: str, change: dict[str, object], actor: str, now: datetime
) -> None:
    audit.record(session, actor=actor, action=action, target=f"broadcast:{broadcast.id}", change=change, now=now)


_BY_SLOT = "SELECT slot, count(*)::int FROM insights.membership WHERE segment_id = %s AND is_in GROUP BY slot"

_STOP = """
    WITH held AS (
        SELECT id FROM engage.broadcast_part WHERE broadcast_id = %s AND state = 'waiting' ORDER BY slot FOR UPDATE)
    UPDATE engage.broadcast_part p SET state = 'cancelled', due_at = NULL FROM held WHERE p.id = held.id
"""

# One part does it for all, from the first customer on.
_TAKE_BACK = """
    UPDATE engage.broadcast_part SET state = %s, due_at = %s, cursor = NULL, attempts = 0
     WHERE broadcast_id = %s AND slot = 0
"""

# Those of a throttle have their time before them. After that only what waits is looked through, by its index: the
# million that have left are not.
_LEAVING = """
    SELECT EXISTS (SELECT FROM engage.broadcast_part WHERE broadcast_id = %(id)s AND leaves_until > %(now)s)
        OR (WITH waits AS MATERIALIZED (
                SELECT m.reference
                  FROM unnest(%(channels)s::text[]) AS c (channel),
                       LATERAL (SELECT reference FROM core.message
                                 WHERE state = 'pending' AND channel = c.channel AND purpose = %(purpose)s
                                   AND due_at <= %(until)s
                                 ORDER BY due_at LIMIT %(most)s) m)
            SELECT count(*) >= %(most)s OR bool_or(s.id IS NOT NULL)
              FROM waits w LEFT JOIN engage.broadcast_send s ON s.id = w.reference AND s.broadcast_id = %(id)s)
"""
