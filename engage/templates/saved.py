"""Templates that are saved: a wording with a name, in versions that never change.

The newest version is what is sent from now on, by those who are inside a journey already, too: mending a typing error
needs no new version of every journey. So a version may only say what every journey that uses it can give.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import audit, ids
from core.errors import NotFound
from core.notes import Notes
from engage import links
from engage.consents.saying import MARKETING
from engage.templates import uses, variables, wording
from engage.templates.errors import TemplateArchived, TemplateInUse, TemplateInvalid
from engage.templates.models import Template, TemplateVersion
from engage.templates.variables import PREFERENCES, UNSUBSCRIBE, Variables
from engage.templates.wording import Wording

#: Of all channels and languages together: a page of versions must still be one answer.
LONGEST_WORDING = 200_000
MOST_TOLD = 10

#: A version never changes, so neither does what it compiles to. So many are kept: one may hold 200,000 characters.
_MOST_COMPILED = 300
_compiled: dict[UUID, Wording] = {}


def create(
    session: Session, *, key: str, name: str, purpose: str, raw: Mapping[str, Any], actor: str, now: datetime
) -> Template:
    """A template with its first version.

    raises  TemplateInvalid naming every fault; TemplateKeyTaken
    """
    said = _parsed(raw, purpose=purpose)
    template = Template(
        id=ids.new(),
        key=key,
        name=name,
        purpose=purpose,
        status="live",
        live_version_id=ids.new(),
        created_by=actor,
        created_at=now,
    )
    session.add(template)
    session.flush()
    _add(session, template, template.live_version_id, 1, raw, said, actor=actor, now=now)
    audit.record(
        session, actor=actor, action="template.create", target=f"template:{template.id}", change={"key": key}, now=now
    )
    return template


def add_version(
    session: Session, *, template_id: UUID, raw: Mapping[str, Any], actor: str, now: datetime
) -> TemplateVersion:
    """A new wording, which is sent from now on.

    raises  NotFound; TemplateArchived; TemplateInvalid, also where it says what a journey that uses it cannot give
    """
    # Read before anything is locked: a long wording takes its time.
    said = _parsed(raw, purpose=find(session, template_id).purpose)
    template = _lock(session, template_id)
    if template.status == "archived":
        raise TemplateArchived
    _check_users(session, template_id, said)

    query = select(func.max(TemplateVersion.number)).where(TemplateVersion.template_id == template_id)
    number = (session.scalar(query) or 0) + 1
    template.live_version_id = ids.new()
    version = _add(session, template, template.live_version_id, number, raw, said, actor=actor, now=now)
    audit.record(
        session,
        actor=actor,
        action="template.change",
        target=f"template:{template_id}",
        change={"number": number},
        now=now,
    )
    return version


def archive(session: Session, template_id: UUID, *, actor: str, now: datetime) -> Template:
    """Nothing new is written by it; said twice it is said once.

    raises  NotFound; TemplateInUse while a broadcast names it, or a journey that people may enter or walk
    """
    template = _lock(session, template_id)
    if template.status == "archived":
        return template
    names = sorted({*(use.name for use in uses.of(session, template_id)), *uses.broadcasts_of(session, template_id)})
    if names:
        raise TemplateInUse(f"{len(names)} use it.", used_by=names[:MOST_TOLD])

    template.status = "archived"
    audit.record(session, actor=actor, action="template.archive", target=f"template:{template_id}", change={}, now=now)
    return template


def find(session: Session, template_id: UUID) -> Template:
    """raises  NotFound"""
    template = session.get(Template, template_id)
    if template is None:
        raise NotFound
    return template


def list_(session: Session, *, before: UUID | None, limit: int) -> Sequence[Template]:
    """The latest first."""
    query = select(Template).order_by(Template.id.desc()).limit(limit)
    return session.scalars(query if before is None else query.where(Template.id < before)).all()


def versions_of(session: Session, template_id: UUID, *, limit: int = MOST_TOLD) -> Sequence[TemplateVersion]:
    """The latest first."""
    query = select(TemplateVersion).where(TemplateVersion.template_id == template_id)
    return session.scalars(query.order_by(TemplateVersion.number.desc()).limit(limit)).all()


def live(session: Session, template_ids: Iterable[UUID]) -> dict[UUID, Wording]:
    """What is sent by these templates now, in one statement once their versions were compiled; archived ones, too."""
    wanted = list(set(template_ids))
    if not wanted:
        return {}
    query = select(Template.id, Template.live_version_id).where(Template.id.in_(wanted))
    current: dict[UUID, UUID] = {row[0]: row[1] for row in session.execute(query)}
    said = of_versions(session, current.values())
    return {template_id: said[version_id] for template_id, version_id in current.items()}


def of_versions(session: Session, version_ids: Iterable[UUID]) -> dict[UUID, Wording]:
    """What these versions say, for whoever keeps to one (a broadcast); read once a process."""
    wanted = set(version_ids)
    found = {version_id: said for version_id in wanted if (said := _compiled.get(version_id)) is not None}
    missing = wanted - found.keys()
    if missing:
        if len(_compiled) >= _MOST_COMPILED:
            _compiled.clear()
        query = select(TemplateVersion.id, TemplateVersion.wording).where(TemplateVersion.id.in_(missing))
        for version_id, raw in session.execute(query):
            found[version_id] = _compiled[version_id] = wording.parse(raw, Notes(), variables.ANY)
    return found


def check(
    session: Session, template_id: UUID, notes: Notes, *, channels: Sequence[str], purpose: str, says: Variables
) -> Wording | None:
    """Whether a journey or a broadcast may say a template by these channels; faults go to `notes`.

    effects  holds the template until the transaction ends, so that it is not archived or changed meanwhile
    """
    template = session.scalar(select(Template).where(Template.id == template_id).with_for_update(read=True))
    if template is None or template.status == "archived":
        notes.say("There is no such template." if template is None else "This template is archived.")
        return None
    if template.purpose != purpose:
        notes.say(f"The template is for {template.purpose} messages, not for {purpose} ones.")
    said = live(session, [template_id])[template_id]
    for channel in channels:
        if channel != wording.INBOX and not said.has(channel):
            notes.say(f"The template has no text for {channel}.")
    unknown = says.unknown(said.says, links=said.links.keys())
    if unknown:
        notes.say(f"The template says {', '.join(unknown)}, which is not known here.")
    return said


def parse_new(raw: Mapping[str, Any], *, purpose: str) -> Wording:
    """A wording as it may be saved.

    raises  TemplateInvalid naming every fault
    """
    return _parsed(raw, purpose=purpose)


def _parsed(raw: Mapping[str, Any], *, purpose: str) -> Wording:
    notes = Notes("/wording")
    if len(json.dumps(raw, ensure_ascii=False)) > LONGEST_WORDING:
        notes.say(f"All texts together may have at most {LONGEST_WORDING} characters.")
        raise TemplateInvalid(errors=notes.errors)
    said = wording.parse(raw, notes, variables.ANY)
    for name, address in said.links.items():
        if not links.is_allowed(address):
            here = notes if name.startswith("_") else notes.at("links").at(name)
            here.say(f"Links may lead to these hosts only: {', '.join(links.hosts())}. Not to {address[:200]}.")
    if purpose == MARKETING:
        for locale, text in said.texts.get("email", {}).items():
            if not {f"links.{PREFERENCES}", f"links.{UNSUBSCRIBE}"} & text.says:
                told = "A marketing mail needs {{ links.unsubscribe }} or {{ links.preferences }}."
                notes.at("email").at(locale).say(told)
    if notes.errors:
        raise TemplateInvalid(errors=notes.errors)
    return said


def _check_users(session: Session, template_id: UUID, said: Wording) -> None:
    notes = Notes("/wording")
    used = uses.of(session, template_id)
    for use in used:
        unknown = use.says.unknown(said.says, links=said.links.keys())
        if unknown:
            notes.say(f"“{use.name}” uses it and cannot tell {', '.join(unknown)}.")
        lacking = [channel for channel in use.channels if channel != wording.INBOX and not said.has(channel)]
        if lacking:
            notes.say(f"“{use.name}” sends it by {', '.join(lacking)}, for which it has no text any more.")
    if used and said.says_voucher and not live(session, [template_id])[template_id].says_voucher:
        notes.say("It is used where nobody may hold a voucher, and said none before. Make another template for it.")
    if notes.errors:
        raise TemplateInvalid(errors=notes.errors)


def _add(
    session: Session,
    template: Template,
    version_id: UUID,
    number: int,
    raw: Mapping[str, Any],
    said: Wording,
    *,
    actor: str,
    now: datetime,
) -> TemplateVersion:
    version = TemplateVersion(
        id=version_id,
        template_id=template.id,
        number=number,
        wording=dict(raw),
        says=sorted(said.says),
        made_by=actor,
        made_at=now,
    )
    session.add(version)
    session.flush()
    return version


def _lock(session: Session, template_id: UUID) -> Template:
    template = session.get(Template, template_id, with_for_update=True, populate_existing=True)
    if template is None:
        raise NotFound
    return template
