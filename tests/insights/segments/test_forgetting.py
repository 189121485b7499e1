"""Who was in a segment that was archived is forgotten, and nobody else."""

import pytest

from core import db
from core.db import connection_of
from insights.segments import forgetting, saved
from tests.insights.log import NOON, a_customer, identify, order, play
from tests.insights.segments.world import STAFF, a_segment, segment_row, segments_of


@pytest.mark.usefixtures("database")
def test_nothing_is_left_of_who_was_in_an_archived_segment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "_AT_ONCE", 2)
    gone = a_segment("gone", {"event": "order.completed", "within_days": 9})
    a_segment("stays", {"event": "order.completed"})
    people = [a_customer(f"+1212555{1000 + n}") for n in range(9)]
    play(*[order(each) for each in people], identify(people[0]))
    before = rows()
    with db.transaction() as session:
        saved.archive(session, gone, actor=STAFF, now=NOON)

    forgetting.forget_archived(NOON)
    play(order(people[0], minutes=1))

    assert (before, rows()) == ({"gone": 9, "stays": 9}, {"stays": 9})
    assert (segments_of(people[0]), segment_row(gone).forgotten_at) == ({"stays"}, NOON)


def rows() -> dict[str, int]:
    with db.transaction() as session:
        found = connection_of(session).execute(
            "SELECT s.key, count(*) FROM insights.membership m JOIN insights.segment s ON s.id = m.segment_id"
            " GROUP BY s.key"
        )
        return dict(found.fetchall())
