"""What happens lets customers enter journeys, and ends their waits."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.events import LoggedEvent, Reader
from core.events.named import VOUCHER_REDEEMED
from engage.journeys import versions
from engage.journeys.versions import Catalogue, Version
from engage.steps import Wait
from engage.walks import arms, carrying, rows
from engage.walks.carrying import Batch
from engage.walks.walk import Walk

_Entry = tuple[LoggedEvent, Version, tuple[UUID, UUID, str]]

READER = "engage.journeys"


def move_journeys(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
    """Begin and wake the walks that a batch of events means, and let them go on."""
    catalogue = versions.catalogue(session)
    wanted = [event for event in events if event.customer_id and event.name in catalogue.names]
    if not wanted:
        return
    touched = rows.lock_touched(session, [event for event in wanted if event.name in catalogue.awaited])
    if any(walk.version_id not in catalogue.versions for walk in touched):
        catalogue = versions.catalogue(session)  # published since, and entered already through another worker
    entries = _entries(catalogue, wanted)
    inside = rows.entered_before(session, [key for _, _, key in entries])
    if not touched and not entries:
        return

    batch = Batch(catalogue, now)
    for event in wanted:
        for walk in touched:
            if walk.customer_id == event.customer_id:
                _wake(batch, walk, event)
    for event, version, key in entries:
        if key not in inside:
            inside.add(key)
            walk = _begun(version, event, key, now=now)
            batch.begun[walk.id] = walk
    carrying.carry_out(session, batch)


READERS = [Reader(READER, move_journeys, names=None)]


def _entries(catalogue: Catalogue, events: Sequence[LoggedEvent]) -> list[_Entry]:
    """Who may enter what, under which (journey, customer, entry key); no event at the end of a long chain counts."""
    found: list[_Entry] = []
    for event in events:
        for version in catalogue.entered_by(event.name):
            key = version.graph.entry_key(event.payload, event.id)
            if event.customer_id is None or key is None or event.depth >= carrying.DEEPEST:
                continue
            if event.occurred_at < version.opened_at:
                continue  # a reader that lags behind, or a late import, does not reach back beyond the beginning
            if version.graph.entry.happening.where(event.payload):
                found.append((event, version, (version.journey_id, event.customer_id, key)))
    return found


def _begun(version: Version, event: LoggedEvent, key: tuple[UUID, UUID, str], *, now: datetime) -> Walk:
    journey_id, customer_id, entry_key = key
    walk = Walk(
        id=ids.new(),
        journey_id=journey_id,
        version_id=version.id,
        customer_id=customer_id,
        entry_key=entry_key,
        arm=arms.arm_of(journey_id, customer_id, holdout_bps=version.holdout_bps),
        state="ready",
        due_at=now,
        step=version.graph.first,
        visit=0,
        step_entered_at=now,
        awaited_event=None,
        timeout_at=None,
        voucher_id=None,
        voucher_redeemed_at=None,
        caused_by=None,
        depth=0,
        trace=None,
        entered_at=now,
        ended_at=None,
        end_reason=None,
    )
    carrying.caused(walk, event)
    return walk


def _wake(batch: Batch, walk: Walk, event: LoggedEvent) -> None:
    """Tell a walk of an event: its voucher was redeemed, or its wait is over."""
    if event.name == VOUCHER_REDEEMED:
        if event.payload.get("voucher_id") != str(walk.voucher_id):
            return
        walk.voucher_redeemed_at = walk.voucher_redeemed_at or event.occurred_at
        batch.moved[walk.id] = walk
    if not walk.is_waiting or walk.step is None or walk.timeout_at is None:
        return
    step = batch.version(walk).graph.steps[walk.step]
    if isinstance(step, Wait) and step.is_ended_by(
        event.name, event.payload, at=event.occurred_at, since=walk.step_entered_at, until=walk.timeout_at
    ):
        carrying.caused(walk, event)
        carrying.end_wait(
            batch,
            walk,
            step.on_event,
            outcome="event",
            code="event",
            detail=f"{event.name} happened in time.",
            event_id=str(event.id),
        )
