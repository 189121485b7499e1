"""What broadcasts' tests share: a segment whose members are told, and a broadcast to it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core import ids
from core.db import connection_of, transaction
from engage import broadcasts
from engage.broadcasts import counting, work
from engage.broadcasts.models import Broadcast, BroadcastSend
from insights.segments import membership
from insights.segments.membership import Judged
from insights.segments.models import Segment
from tests.engage.conftest import Scene

SAYS = {
    "default_locale": "en",
    "push": {"en": {"title": "For you", "body": "Hello"}},
    "sms": {"en": {"body": "Hello"}},
}
SAYS_CODE = {"default_locale": "en", "sms": {"en": {"body": "Your code: {{ voucher.code }}"}}}


def segment(members: Iterable[UUID], *, status: str = "live", now: datetime) -> UUID:
    segment_id = ids.new()
    row = Segment(
        id=segment_id, key=f"s{segment_id.hex[-12:]}", name="Regulars", condition={}, expanded={}, previous=None,
        revision=1, status=status, built_slots=64, created_by="staff:test", created_at=now, updated_at=now,
    )  # fmt: skip
    with transaction() as session:
        session.add(row)
    add(segment_id, members, now=now)
    return segment_id


def add(segment_id: UUID, members: Iterable[UUID], *, now: datetime) -> None:
    judged = [Judged(one, segment_id, "regulars", 1, is_in=True, recheck_on=None, moves=[]) for one in members]
    with transaction() as session:
        membership.write(connection_of(session), judged, now)


@dataclass
class Sending:
    """A broadcast on a scene's clock."""

    scene: Scene
    id: UUID

    def start(self, *, expected: int = 1_000) -> Broadcast:
        with transaction() as session:
            return broadcasts.start(session, self.id, expected=expected, actor="staff:test", now=self.scene.now)

    def cancel(self) -> Broadcast:
        with transaction() as session:
            return broadcasts.cancel(session, self.id, actor="staff:test", now=self.scene.now)

    def work(self) -> int:
        """Let workers prepare until nothing is due."""
        total = 0
        while dealt := work.work_off(self.scene.now):
            total += dealt
        return total

    def run(self) -> "Sending":
        self.start()
        self.work()
        return self

    def now_is(self) -> Broadcast:
        with transaction() as session:
            return broadcasts.find(session, self.id)

    def counts(self) -> dict[str, int]:
        with transaction() as session:
            return counting.of(connection_of(session), self.id)

    def sends(self) -> dict[UUID, BroadcastSend]:
        query = select(BroadcastSend).where(BroadcastSend.broadcast_id == self.id)
        with transaction() as session:
            return {row.customer_id: row for row in session.scalars(query)}

    def outcomes(self) -> dict[UUID, str]:
        return {customer_id: row.outcome for customer_id, row in self.sends().items()}

    def reason_of(self, customer_id: UUID) -> str:
        return str(self.sends()[customer_id].reasons[-1]["code"])


def draft(scene: Scene, members: Sequence[UUID], **given: Any) -> Sending:
    wanted: dict[str, Any] = {
        "name": "Autumn thanks",
        "segment_id": given.pop("segment_id", None) or segment(members, now=scene.now),
        "channels": ["sms"],
        "template": SAYS,
        "holdout_bps": 0,
        **given,
    }
    with transaction() as session:
        return Sending(scene, broadcasts.create(session, wanted, actor="staff:test", now=scene.now).id)
