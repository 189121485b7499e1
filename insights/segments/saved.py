"""Segments that staff keep: named by a key, changed by revisions, archived rather than removed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.orm import Session

from core import audit, ids
from core.db import connection_of
from core.errors import NotFound
from core.notes import Notes
from insights.segments import expanding, uses
from insights.segments.errors import SegmentChanged, SegmentInUse, SegmentInvalid, SegmentKeyTaken
from insights.segments.leaves import KEY
from insights.segments.models import ARCHIVED, BUILDING, LIVE, Segment, SegmentPart
from insights.segments.parsing import parse
from insights.streams import Stream
from insights.streams import catalogue as streams

#: Each of them may be looked at for each event.
MOST_SEGMENTS = 200


def create(session: Session, *, key: str, name: str, condition: dict[str, Any], actor: str, now: datetime) -> Segment:
    """Keep a segment; the worker judges everybody by it, and from then on it follows the log.

    raises  SegmentInvalid, which names every fault; SegmentKeyTaken
    """
    if not KEY.match(key):
        detail = "Must be 1 to 40 small letters, digits and underscores, a letter first."
        raise SegmentInvalid(errors=[{"pointer": "/key", "detail": detail}])
    _lock(session)
    if session.scalar(select(func.count()).select_from(Segment).where(Segment.status != ARCHIVED)) >= MOST_SEGMENTS:  # type: ignore[operator]
        detail = f"There are {MOST_SEGMENTS} segments, and no more can be followed: archive one first."
        raise SegmentInvalid(errors=[{"pointer": "", "detail": detail}])
    if session.scalar(select(Segment.id).where(Segment.key == key)):
        raise SegmentKeyTaken
    known = _known(session)
    expanded = expanding.checked(condition, known, own=key)

    segment = Segment(
        id=ids.new(),
        key=key,
        name=name,
        condition=condition,
        expanded=expanded,
        previous=None,
        revision=1,
        status=BUILDING,
        built_slots=0,
        created_by=actor,
        created_at=now,
        updated_at=now,
    )
    session.add(segment)
    session.flush()
    _note_parts(session, segment, known)
    _prepare(session, [segment], now)
    _audit(session, segment, "segment.created", {"key": key, "name": name, "condition": condition}, actor, now)
    return segment


def change(
    session: Session,
    segment_id: UUID,
    *,
    name: str,
    condition: dict[str, Any],
    revision: int,
    actor: str,
    now: datetime,
) -> Segment:
    """Write a segment anew. Until everybody was judged again, those who were not go by what it was before.

    revision  the one that was read: nobody overwrites what they have not seen
    raises    NotFound; SegmentChanged; SegmentInvalid, also where another segment could not use what it becomes
    effects   those that name it are built anew as well
    """
    _lock(session)
    segment = _locked(session, segment_id)
    if segment.revision != revision:
        raise SegmentChanged
    before = {"name": segment.name, "condition": segment.condition}
    segment.name = name
    if condition != before["condition"]:
        known = _known(session)
        segments = {each.id: each for each in known.values()}
        segment.condition, segment.updated_at = condition, now
        rebuilt = [segment]
        _renew(segment, expanding.checked(condition, known, own=segment.key))
        _note_parts(session, segment, known)
        for user in _above(session, segment_id):
            _renew(
                segments[user],
                expanding.checked(segments[user].condition, known, own=segments[user].key, by=segment.name),
            )
            rebuilt.append(segments[user])
        _prepare(session, rebuilt, now)
    if before != {"name": name, "condition": condition}:
        after = {"name": name, "condition": condition}
        _audit(session, segment, "segment.changed", {"from": before, "to": after}, actor, now)
    session.flush()
    return segment


def archive(session: Session, segment_id: UUID, *, actor: str, now: datetime) -> None:
    """Follow a segment no longer; its key stays taken, since the log names it.

    raises  NotFound; SegmentInUse while a segment, a rule, a campaign or a journey goes by it
    """
    _lock(session)
    segment = _locked(session, segment_id)
    users = uses.of(session, segment.id, segment.key)
    if users:
        raise SegmentInUse(used_by=users)

    segment.status, segment.previous, segment.members, segment.updated_at = ARCHIVED, None, None, now
    session.flush()
    session.execute(delete(SegmentPart).where(SegmentPart.segment_id == segment_id))
    _audit(session, segment, "segment.archived", {"key": segment.key}, actor, now)
    streams.renew(connection_of(session))


def find(session: Session, segment_id: UUID) -> Segment:
    """raises  NotFound, also for one that is archived"""
    segment = session.get(Segment, segment_id)
    if segment is None or segment.status == ARCHIVED:
        raise NotFound("There is no such segment")
    return segment


def page(session: Session, *, before: UUID | None, limit: int) -> Sequence[Segment]:
    """The latest first, from the one before `before` on."""
    query = select(Segment).where(Segment.status != ARCHIVED).order_by(Segment.id.desc()).limit(limit)
    return session.scalars(query if before is None else query.where(Segment.id < before)).all()


def expand(session: Session, condition: Any) -> dict[str, Any]:
    """A condition that was sent, found sound, with the segments that it names written into it.

    raises  SegmentInvalid
    """
    return expanding.checked(condition, _known(session))


def _renew(segment: Segment, expanded: dict[str, Any]) -> None:
    """What stands till everybody was judged anew is what everybody was judged by last."""
    if segment.status == LIVE:
        segment.previous = segment.expanded
    segment.expanded, segment.status = expanded, BUILDING
    segment.built_slots, segment.built_until = 0, None
    segment.revision += 1


def _prepare(session: Session, segments: Sequence[Segment], now: datetime) -> None:
    """See that what they count is counted."""
    session.flush()
    connection = connection_of(session)
    counted = [parse(segment.expanded, Notes(), is_expanded=True).streams for segment in segments]
    # All at once: whoever has renewed the definitions must wait for nobody's streams any more.
    streams.ensure(connection, frozenset[Stream]().union(*counted), now)
    streams.renew(connection)


def _known(session: Session) -> dict[str, Segment]:
    return {each.key: each for each in session.scalars(select(Segment).where(Segment.status != ARCHIVED))}


def _note_parts(session: Session, segment: Segment, known: Mapping[str, Segment]) -> None:
    session.execute(delete(SegmentPart).where(SegmentPart.segment_id == segment.id))
    if named := expanding.named_in(segment.condition):
        rows = [{"segment_id": segment.id, "part_id": known[key].id} for key in sorted(named)]
        session.execute(insert(SegmentPart), rows)


def _above(session: Session, segment_id: UUID) -> list[UUID]:
    """The segments that name this one, by themselves or through others."""
    return [row[0] for row in connection_of(session).execute(_ABOVE, [segment_id, segment_id])]


def _locked(session: Session, segment_id: UUID) -> Segment:
    # Not its key, which those who write its members hold.
    segment = session.get(Segment, segment_id, with_for_update={"key_share": True})
    if segment is None or segment.status == ARCHIVED:
        raise NotFound("There is no such segment")
    return segment


def _lock(session: Session) -> None:
    """One writer of segments at a time, so that two of them cannot make a ring together."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('insights.segments', 0))"))


def _audit(session: Session, segment: Segment, action: str, change: dict[str, Any], actor: str, now: datetime) -> None:
    audit.record(session, actor=actor, action=action, target=f"segment:{segment.id}", change=change, now=now)


_ABOVE = """
    WITH RECURSIVE above (id) AS (
        SELECT %s::uuid
         UNION
        SELECT p.segment_id FROM insights.segment_part p JOIN above a ON a.id = p.part_id)
    SELECT id FROM above WHERE id <> %s ORDER BY id
"""
