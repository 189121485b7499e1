"""Wordings: the words in which customers are asked, written once, so that each yes can be shown beside its question."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from core import audit, ids
from engage.consents.errors import WordingUnknown
from engage.consents.models import Wording

LONGEST = 2_000


def add(session: Session, *, channel: str, purpose: str, locale: str, text: str, actor: str, now: datetime) -> Wording:
    """Ask in these words from now on; those who were asked in others keep theirs.

    effects  audited
    """
    wording = Wording(
        id=ids.new(), channel=channel, purpose=purpose, locale=locale, text=text, made_by=actor, made_at=now
    )
    session.add(wording)
    session.flush()
    audit.record(
        session,
        actor=actor,
        action="wording.add",
        target=f"wording:{wording.id}",
        change={"channel": channel, "purpose": purpose, "locale": locale},
        now=now,
    )
    return wording


def list_(session: Session, *, before: UUID | None, limit: int) -> Sequence[Wording]:
    """All of them, the latest first."""
    query = select(Wording).order_by(Wording.id.desc()).limit(limit)
    return session.scalars(query if before is None else query.where(Wording.id < before)).all()


def check(session: Session, wording_id: UUID | None, *, channel: str, purpose: str) -> None:
    """raises  WordingUnknown where a wording is named that is not one of this channel and purpose"""
    if wording_id is None:
        return
    wording = session.get(Wording, wording_id)
    if wording is None or (wording.channel, wording.purpose) != (channel, purpose):
        raise WordingUnknown


def newest(session: Session, locale: str | None) -> Mapping[tuple[str, str], Wording]:
    """The words to ask in just now, by channel and purpose: in the customer's language, else in its plainer form
    (fr for fr-CA), else in whatever language they were last written in."""
    latest = select(Wording).ext(distinct_on(Wording.channel, Wording.purpose, Wording.locale))
    ordered = latest.order_by(Wording.channel, Wording.purpose, Wording.locale, Wording.id.desc())
    found: dict[tuple[str, str], Wording] = {}
    for wording in session.scalars(ordered):
        key = (wording.channel, wording.purpose)
        if key not in found or _fits(wording, locale) > _fits(found[key], locale):
            found[key] = wording
    return found


def _fits(wording: Wording, locale: str | None) -> tuple[int, UUID]:
    if locale and wording.locale.lower() == locale.lower():
        return 2, wording.id
    if locale and wording.locale.lower() == locale.lower().partition("-")[0]:
        return 1, wording.id
    return 0, wording.id
