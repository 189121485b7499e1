"""Drafting: what a broadcast is to say to whom, checked as a whole each time it is written."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit, ids
from core.errors import NotFound
from core.notes import Notes
from engage import links
from engage.broadcasts.errors import BroadcastInvalid, BroadcastStarted
from engage.broadcasts.models import DRAFT, Broadcast
from engage.consents.models import CHANNELS
from engage.contacting.quiet import MODES
from engage.steps.clock import clock
from engage.templates import saved, variables, wording
from engage.templates.wording import INBOX, Wording
from insights.segments.models import ARCHIVED, Segment
from rewards.models import Campaign

#: What is left out holds as this; a tenth held out tells what the broadcast brings about.
DEFAULTS: dict[str, Any] = {
    "template_id": None,
    "template": None,
    "campaign_id": None,
    "purpose": "marketing",
    "quiet": "hold",
    "starts_at": None,
    "local_time": None,
    "per_minute": None,
    "holdout_bps": 1_000,
}
MOST_PER_MINUTE = 1_000_000
#: Who is in a segment in two years is anybody's guess.
FARTHEST = timedelta(days=366)


def create(session: Session, given: Mapping[str, Any], *, actor: str, now: datetime) -> Broadcast:
    """A draft; nothing is sent before it is started.

    raises  BroadcastInvalid naming every fault
    """
    broadcast = Broadcast(id=ids.new(), status=DRAFT, created_by=actor, created_at=now)
    _write(session, broadcast, {**DEFAULTS, **given}, now=now)
    session.add(broadcast)
    session.flush()
    _record(session, broadcast, "broadcast.create", actor, now)
    return broadcast


def change(session: Session, broadcast_id: UUID, given: Mapping[str, Any], *, actor: str, now: datetime) -> Broadcast:
    """Write some of a draft anew.

    raises  NotFound; BroadcastStarted; BroadcastInvalid naming every fault
    """
    broadcast = locked(session, broadcast_id)
    if broadcast.status != DRAFT:
        raise BroadcastStarted
    # Saying it in its own words takes the place of a saved template, and the other way round.
    if given.get("template") is not None:
        given = {"template_id": None, **given}
    if given.get("template_id") is not None:
        given = {"template": None, **given}
    _write(session, broadcast, {**_as_given(broadcast), **given}, now=now)
    _record(session, broadcast, "broadcast.change", actor, now)
    return broadcast


def find(session: Session, broadcast_id: UUID) -> Broadcast:
    """raises  NotFound"""
    broadcast = session.get(Broadcast, broadcast_id)
    if broadcast is None:
        raise NotFound
    return broadcast


def locked(session: Session, broadcast_id: UUID) -> Broadcast:
    """raises  NotFound"""
    # Not as a key: whoever writes a send of it holds its key, and may wait for a balance that we hold.
    query = select(Broadcast).where(Broadcast.id == broadcast_id).with_for_update(key_share=True)
    broadcast = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if broadcast is None:
        raise NotFound
    return broadcast


def list_(session: Session, *, before: UUID | None, limit: int) -> Sequence[Broadcast]:
    """The latest first."""
    query = select(Broadcast).order_by(Broadcast.id.desc()).limit(limit)
    return session.scalars(query if before is None else query.where(Broadcast.id < before)).all()


def check(session: Session, broadcast: Broadcast) -> Wording:
    """What it says, where everything that it names is there and fits.

    raises   BroadcastInvalid naming every fault
    effects  holds its saved template until the transaction ends, so that it is not archived meanwhile
    """
    notes = Notes()
    segment = session.get(Segment, broadcast.segment_id)
    if segment is None or segment.status == ARCHIVED:
        notes.at("segment_id").say("There is no such segment." if segment is None else "This segment is archived.")
    campaign = session.get(Campaign, broadcast.campaign_id) if broadcast.campaign_id else None
    if broadcast.campaign_id and (campaign is None or campaign.state == "ended"):
        detail = "There is no such campaign." if campaign is None else "This campaign has ended: it gives no vouchers."
        notes.at("campaign_id").say(detail)
    said = _wording(session, broadcast, notes)
    if said is not None and said.says_voucher and not broadcast.campaign_id:
        notes.at("campaign_id").say("The text names a voucher: say of which campaign.")
    if notes.errors or said is None:
        raise BroadcastInvalid(errors=notes.errors)
    return said


def _wording(session: Session, broadcast: Broadcast, notes: Notes) -> Wording | None:
    if broadcast.template_id is not None:
        return saved.check(
            session,
            broadcast.template_id,
            notes.at("template_id"),
            channels=broadcast.channels,
            purpose=broadcast.purpose,
            says=variables.NO_EVENT,
        )
    here = notes.at("template")
    said = wording.either(broadcast.wording, here, variables.NO_EVENT, channels=broadcast.channels)
    for name, address in said.links.items():
        if not links.is_allowed(address):
            here.at("links").at(name).say(f"Links may lead to these hosts only: {', '.join(links.hosts())}.")
    return said


def _write(session: Session, broadcast: Broadcast, given: Mapping[str, Any], *, now: datetime) -> None:
    notes = Notes()
    known = (*CHANNELS, INBOX)
    channels = given["channels"]
    if not channels or len(set(channels)) < len(channels) or not set(channels) <= set(known):
        notes.at("channels").say(f"Must be a list of channels in the order to try, each once: {', '.join(known)}.")
    if given["quiet"] not in MODES:
        notes.at("quiet").say(f"What becomes of it in quiet hours: {', '.join(MODES)}.")
    if given["local_time"] is not None:
        clock(given["local_time"], notes.at("local_time"))
        if given["per_minute"] is not None:
            notes.at("per_minute").say("Say either “local_time” or “per_minute”: an hour of the day has its own pace.")
    if given["starts_at"] is not None and given["starts_at"] > now + FARTHEST:
        notes.at("starts_at").say(f"Must be within {FARTHEST.days} days.")
    if (given["template"] is None) == (given["template_id"] is None):
        notes.at("template").say("Say either “template” or “template_id”, and one of them.")
    if notes.errors:
        raise BroadcastInvalid(errors=notes.errors)
    for name, value in given.items():
        setattr(broadcast, "wording" if name == "template" else name, value)
    check(session, broadcast)


def _as_given(broadcast: Broadcast) -> dict[str, Any]:
    names = ("name", "segment_id", "channels", *DEFAULTS)
    return {name: getattr(broadcast, "wording" if name == "template" else name) for name in names}


def _record(session: Session, broadcast: Broadcast, action: str, actor: str, now: datetime) -> None:
    change_ = {
        "name": broadcast.name,
        "segment_id": str(broadcast.segment_id),
        "campaign_id": str(broadcast.campaign_id) if broadcast.campaign_id else None,
        "channels": list(broadcast.channels),
    }
    audit.record(session, actor=actor, action=action, target=f"broadcast:{broadcast.id}", change=change_, now=now)
