"""What walks do when something happens: customers enter journeys, and those inside are woken."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.events import LoggedEvent, Reader
from engage.journeys import versions
from engage.journeys.versions import Catalogue
from engage.walks import carrying, engine, entering, insides, rows
from engage.walks.carrying import FACTS_READER, READER, Batch
from engage.walks.entering import Entry, Inside, Kept
from engage.walks.walk import Walk


def move_journeys(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
    """Begin and wake the walks that a batch of events means, and let them go on."""
    catalogue = versions.catalogue(session)
    wanted = [event for event in events if event.customer_id and event.name in catalogue.names]
    if wanted:
        carrying.carry_out(session, catalogue, lambda batch: _move(batch, catalogue, wanted), now=now)


READERS = [Reader(READER, move_journeys, names=None, behind=FACTS_READER, rests_seconds=0.25)]


def _move(batch: Batch, catalogue: Catalogue, events: Sequence[LoggedEvent]) -> None:
    entries = entering.entries_of(catalogue, events)
    exclusive = {entry.customer_id for entry in entries if entry.version.graph.is_exclusive}
    awaited = {event.customer_id for event in events if event.customer_id and event.name in catalogue.awaited}
    live_walks = rows.lock_live(batch.session, awaited | exclusive)
    if not live_walks and not entries:
        return
    if any(walk.version_id not in catalogue.versions for walk in live_walks):
        # Published since, and entered already through another worker; or not understood by this release.
        batch.effects.versions = versions.catalogue(batch.session).versions
    walking = _by_customer(live_walks, batch)

    inside = insides.load(batch.session, entries, now=batch.effects.now)
    live = [(walk.version_id, walk.customer_id) for walks in walking.values() for walk in walks]
    batch.know([*live, *((entry.version.id, entry.customer_id) for entry in entries)])
    of_event: dict[UUID, list[Entry]] = {}
    for entry in entries:
        of_event.setdefault(entry.event.id, []).append(entry)

    for wave in carrying.waves(events):
        batch.see(wave)
        batch.run([walk for event in wave for walk in _happen(batch, event, of_event, inside, walking)])


def _by_customer(walks: Iterable[Walk], batch: Batch) -> dict[UUID, list[Walk]]:
    """Walks of versions that this release does not understand stay as they are."""
    found: dict[UUID, list[Walk]] = {}
    for walk in walks:
        if walk.version_id in batch.effects.versions:
            found.setdefault(walk.customer_id, []).append(walk)
    return found


def _happen(
    batch: Batch, event: LoggedEvent, of_event: dict[UUID, list[Entry]], inside: Inside, walking: dict[UUID, list[Walk]]
) -> list[Walk]:
    """Tell those who walk already, then let in who may enter; the walks that are to go on."""
    assert event.customer_id is not None, "only customers walk"
    mine = walking.setdefault(event.customer_id, [])
    for walk in mine:
        if walk.state == "ready":
            batch.effects.resumed.add(walk.id)  # it hears of this event only by looking back
        engine.wake(batch.effects, walk, event)
    for entry in of_event.get(event.id, ()):
        arm = entering.decide(entry, inside, mine, now=batch.effects.now)
        if isinstance(arm, Kept):
            batch.kept.append(arm)
        elif arm is not None:
            walk = engine.begin(batch.effects, entry.version, event, entry.key, arm)
            inside.keep(walk)
            mine.append(walk)
    return [walk for walk in mine if walk.state == "ready"]
