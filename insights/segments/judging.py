"""Judging customers by segments: what the reader, the building and midnight have in common."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from core.db import Connection
from core.events import LoggedEvent
from insights.segments import membership
from insights.segments.catalogue import Followed
from insights.segments.course import Answer, Course
from insights.segments.facts import Facts, Need
from insights.segments.loading import load
from insights.segments.membership import NOT_KEPT, Judged, Kept, Move
from insights.streams import catalogue as streams


def judge(
    connection: Connection,
    asked: Mapping[UUID, Collection[Followed]],
    now: datetime,
    *,
    course: Course | None = None,
    is_rebuild: bool = False,
) -> int:
    """Judge each customer by each of the segments named for them; returns how many of them entered or left one.

    course   of the batch by which they are judged: what each of its events did
    effects  announces segment.entered and segment.left
    The caller holds the offset of the insights reader for the customers' slots.
    """
    if not asked:
        return 0
    needs: frozenset[Need] = frozenset().union(*[each.needs for each in set[Followed]().union(*asked.values())])
    facts = load(connection, needs, asked, now)
    kept = membership.kept(connection, list(asked))
    answers = course.answers(facts, streams.read(connection)) if course and course.turns else {}
    found: list[Judged] = []
    for customer_id, segments in asked.items():
        causes = course.asked[customer_id] if course else {}
        between = answers.get(customer_id, {})
        _judge(facts[customer_id], segments, kept.get(customer_id, {}), between, causes, found)
    membership.write(connection, found, now)
    moved = [each for each in found if each.moves]
    membership.tell(connection, moved, now, is_rebuild=is_rebuild)
    return len(moved)


def _judge(
    facts: Facts,
    segments: Collection[Followed],
    kept: Mapping[int, Kept],
    between: Mapping[Followed, Sequence[Answer]],
    causes: Mapping[Followed, LoggedEvent],
    found: list[Judged],
) -> None:
    """Add what is another answer than the one that is kept, or needs another day to be looked at again.

    A day that is kept and comes before the one that was found stays: looking once too often is cheaper than writing a
    row for each event that puts it off.
    """
    customer_id, today = facts.customer_id, facts.today
    is_known = facts.profile is not None  # else the log has told nothing of them yet, or nothing any more
    for segment in segments:
        condition = segment.condition if segment.is_live else segment.condition_of(customer_id)
        if condition is None:
            continue
        was = kept.get(segment.id.int, NOT_KEPT)
        is_in = is_known and condition.holds(facts)
        day = condition.turns_on(facts) if is_known else None
        moves: Sequence[Move] = ()
        if is_in is not was.is_in or segment in between:
            moves = _moves(was.is_in, [*between.get(segment, ()), (is_in, causes.get(segment))])
        is_early = was.recheck_on is not None and was.recheck_on > today and (day is None or was.recheck_on <= day)
        if moves or (day != was.recheck_on and not is_early) or was.revision not in (None, segment.revision):
            kept_day = was.recheck_on if is_early else day
            found.append(Judged(customer_id, segment.id, segment.key, segment.revision, is_in, kept_day, moves))


def _moves(is_in: bool, answers: Sequence[Move]) -> list[Move]:
    """The answers that are others than the one before."""
    moves: list[Move] = []
    for answer in answers:
        if answer[0] is not is_in:
            moves.append(answer)
            is_in = answer[0]
    return moves
