"""Links as tests look at them, undo them, and wait for what comes of it."""

from datetime import timedelta
from uuid import UUID

from auth.events import DeviceRegistered
from core import db, ids
from core.events import Event
from insights.identities import links
from insights.identities.links import ShownLink
from insights.profiles import rebuilding
from tests.insights.log import NOON


def links_of(customer_id: UUID) -> list[ShownLink]:
    with db.transaction() as session:
        return links.of(session, customer_id, limit=100)


def undo(link_id: UUID, *, days: int = 0) -> ShownLink:
    with db.transaction() as session:
        return links.undo(session, link_id, actor="staff:test", now=NOON + timedelta(days=days))


def rebuild() -> None:
    while rebuilding.rebuild_due(NOON + timedelta(days=40)):
        pass


def a_device(customer_id: UUID, subject_id: str) -> Event:
    return DeviceRegistered(
        customer_id=customer_id, subject_id=subject_id, occurred_at=NOON, device_id=ids.new(), platform="ios",
        can_push=False,
    )  # fmt: skip
