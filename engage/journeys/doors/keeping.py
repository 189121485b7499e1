"""Doors as staff keep them: made, opened, closed and listed."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import audit, ids
from core.errors import NotFound
from core.notes import Notes
from engage.incoming.words import intent_of, keyword_of
from engage.journeys.doors.errors import DoorInvalid, DoorTaken
from engage.journeys.doors.models import EntryDoor
from engage.journeys.entries import SLUG

#: What customers open, and so what has a page and a poster.
OPENED = ("link", "poster")

#: What a write key's source may be called.
_SOURCE = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")


def create(
    session: Session,
    *,
    slug: str,
    kind: str,
    name: str,
    actor: str,
    now: datetime,
    word: str | None = None,
    source: str | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> EntryDoor:
    """An open door.

    word    what customers send by SMS or WhatsApp, of a keyword; kept as it will be read
    source  of a partner: what the write keys are called by which it reports
    raises  DoorInvalid naming every fault; DoorTaken
    """
    said = _checked(slug=slug, kind=kind, word=word, source=source, starts_at=starts_at, ends_at=ends_at)
    door = EntryDoor(
        id=ids.new(), slug=slug, kind=kind, word=said, source=source, name=name, status="open", starts_at=starts_at,
        ends_at=ends_at, created_by=actor, created_at=now,
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(door)
    except IntegrityError as error:
        raise DoorTaken from error
    change = {"slug": slug, "kind": kind, **({"source": source} if source else {})}
    _audit(session, door, "entry_door.created", change, actor=actor, now=now)
    return door


def set_status(session: Session, *, door_id: UUID, status: str, actor: str, now: datetime) -> EntryDoor:
    """Open or close a door; said twice it is said once.

    raises  NotFound
    """
    door = session.get(EntryDoor, door_id, with_for_update=True)
    if door is None:
        raise NotFound
    if door.status != status:
        change = {"from": door.status, "to": status}
        door.status = status
        _audit(session, door, "entry_door.status_set", change, actor=actor, now=now)
    return door


def find(session: Session, door_id: UUID) -> EntryDoor:
    """raises  NotFound"""
    door = session.get(EntryDoor, door_id)
    if door is None:
        raise NotFound
    return door


def by_slug(session: Session, slug: str, *, kinds: Sequence[str]) -> EntryDoor:
    """raises  NotFound, also for a door of another kind"""
    query = select(EntryDoor).where(EntryDoor.slug == slug, EntryDoor.kind.in_(kinds))
    door = session.scalar(query) if SLUG.match(slug) else None
    if door is None:
        raise NotFound
    return door


def of_partner(session: Session, slug: str, *, source: str) -> EntryDoor:
    """raises  NotFound, also for another partner's door: who asks learns nothing of it"""
    door = by_slug(session, slug, kinds=("partner",))
    if door.source != source:
        raise NotFound
    return door


def list_(session: Session, *, before: UUID | None, limit: int) -> Sequence[EntryDoor]:
    """The latest first."""
    query = select(EntryDoor).order_by(EntryDoor.id.desc()).limit(limit)
    return session.scalars(query if before is None else query.where(EntryDoor.id < before)).all()


def is_open(door: EntryDoor, at: datetime) -> bool:
    """Whether it lets anybody in at this time (its end not included)."""
    if door.status != "open" or (door.starts_at is not None and at < door.starts_at):
        return False
    return door.ends_at is None or at < door.ends_at


def _checked(
    *,
    slug: str,
    kind: str,
    word: str | None,
    source: str | None,
    starts_at: datetime | None,
    ends_at: datetime | None,
) -> str | None:
    """The word as it will be read."""
    notes = Notes()
    if not SLUG.match(slug):
        notes.at("slug").say("Must be 2 to 50 small letters, digits and hyphens, no hyphen first.")
    if starts_at is not None and ends_at is not None and ends_at <= starts_at:
        notes.at("ends_at").say("Must be after its beginning.")
    said = None if word is None else keyword_of(word)
    if kind == "keyword" and (said is None or intent_of(said) is not None):
        notes.at("word").say(
            "Must be one or two words of 2 to 20 letters and digits, and none that carriers keep, such as STOP."
        )
    if kind != "keyword" and word is not None:
        notes.at("word").say("Only a keyword has a word.")
    if kind == "partner" and (source is None or not _SOURCE.match(source)):
        notes.at("source").say("Must be the source of the write keys by which the partner reports.")
    if kind != "partner" and source is not None:
        notes.at("source").say("Only a partner has a source.")
    if notes.errors:
        raise DoorInvalid(errors=notes.errors)
    return said


def _audit(
    session: Session, door: EntryDoor, action: str, change: dict[str, Any], *, actor: str, now: datetime
) -> None:
    audit.record(session, actor=actor, action=action, target=f"entry_door:{door.id}", change=change, now=now)
