"""What a broadcast goes by is not taken from under it."""

from datetime import timedelta

import pytest

from app import wiring
from core.db import transaction
from engage.broadcasts.errors import BroadcastInvalid
from insights.segments import saved, uses
from insights.segments.errors import SegmentInUse
from tests.engage.broadcasts.audience import draft
from tests.engage.conftest import Scene


def test_segment_of_a_broadcast_that_is_to_come_is_not_archived(scene: Scene) -> None:
    uses.register(wiring.SEGMENT_USERS)
    sending = draft(scene, scene.customers(1), starts_at=scene.now + timedelta(hours=2))
    sending.start()
    segment_id = sending.now_is().segment_id

    with pytest.raises(SegmentInUse) as refused, transaction() as session:
        saved.archive(session, segment_id, actor="staff:test", now=scene.now)
    assert "the broadcast “Autumn thanks”" in str(refused.value.facts)

    sending.cancel()
    with transaction() as session:
        saved.archive(session, segment_id, actor="staff:test", now=scene.now)


def test_draft_whose_segment_was_archived_is_not_started(scene: Scene) -> None:
    uses.register(wiring.SEGMENT_USERS)
    sending = draft(scene, scene.customers(1))
    with transaction() as session:
        saved.archive(session, sending.now_is().segment_id, actor="staff:test", now=scene.now)

    with pytest.raises(BroadcastInvalid):
        sending.start()
