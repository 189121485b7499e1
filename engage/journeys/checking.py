"""Checking a drawn journey against the house: what it names must be there, and fit.

Faults keep it from being published; warnings (`engage.journeys.warning`) say what its author may not have meant.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db import connection_of
from core.notes import Notes
from engage import links
from engage.journeys import currencies, flow
from engage.journeys.doors.models import EntryDoor
from engage.journeys.graph import Graph
from engage.journeys.spending import Spend
from engage.journeys.webhooks.models import WebhookTarget
from engage.steps import BranchOff, IssueGiftCard, IssueVoucher, SendMessage, Step, Webhook
from engage.steps.hints import unknown
from engage.templates import saved, variables
from insights.segments import dates
from insights.segments.facts import Member, Need
from insights.segments.models import ARCHIVED, Segment
from insights.streams import catalogue as streams
from rewards.models import Campaign

Fault = dict[str, str]


def faults(session: Session, drawn: Graph, *, pointer: str, spend: Spend | None) -> list[Fault]:
    """What keeps a graph without faults of its own from being published. spend: its journey's

    effects  holds the saved templates that it says until the transaction ends, so that none is archived meanwhile
    """
    notes = Notes(pointer)
    # Here and not where a graph is parsed: those that were published before go on being understood.
    for name in sorted(flow.looping_at_once(drawn.steps)):
        told = "This step can lead back to itself at once: the wait on the way may be over before it begins."
        notes.at("steps").at(name).say(told)
    _check_campaigns(session, drawn, notes)
    _check_currencies(session, drawn, spend, notes)
    _check_segments(session, drawn, notes)
    _check_door(session, drawn, notes)
    _check_targets(session, drawn, notes)
    _check_messages(session, drawn, notes)
    return notes.errors


def watch(session: Session, drawn: Graph, *, now: datetime) -> bool:
    """Have counted what the journey's conditions ask for, and its day announced; whether all is counted already."""
    if drawn.entry.kind == "date":
        dates.watch(session, drawn.entry.subject, days_before=drawn.entry.days_before, now=now)
    return streams.ensure(connection_of(session), drawn.streams, now)


def segments_of(drawn: Graph) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """(where it stands, key) of every segment that a graph names."""
    if drawn.entry.kind == "segment":
        yield ("entry", "segment"), drawn.entry.subject
    for position, one in enumerate(drawn.exits):
        if one.segment is not None:
            yield ("exit_when", position, "segment"), one.segment
    if drawn.audience is not None:
        yield from ((("audience",), key) for key in _members(drawn.audience.needs))
    for name, step in drawn.steps.items():
        if isinstance(step, BranchOff):
            for position, path in enumerate(step.paths):
                yield from ((("steps", name, "paths", position, "when"), key) for key in _members(path.when.needs))


def campaigns_of(drawn: Graph) -> dict[str, UUID]:
    """By step, the campaign that it gives of."""
    return {name: step.campaign_id for name, step in drawn.steps.items() if isinstance(step, IssueVoucher)}


def _members(needs: Collection[Need]) -> list[str]:
    return sorted(need.key for need in needs if isinstance(need, Member))


def _check_campaigns(session: Session, drawn: Graph, notes: Notes) -> None:
    wanted = campaigns_of(drawn)
    rows = session.execute(select(Campaign.id, Campaign.kind, Campaign.state).where(Campaign.id.in_(wanted.values())))
    known = {row.id: row for row in rows}
    for name, campaign_id in wanted.items():
        here = notes.at("steps").at(name).at("campaign_id")
        campaign = known.get(campaign_id)
        if campaign is None:
            here.say("There is no such campaign.")
        elif campaign.state == "ended":
            here.say("This campaign has ended: it gives no vouchers any more.")
        elif isinstance(drawn.steps[name], IssueGiftCard) and campaign.kind != "gift_card":
            here.say("This campaign gives coupons; a gift card needs a campaign of gift cards.")


def _check_currencies(session: Session, drawn: Graph, spend: Spend | None, notes: Notes) -> None:
    for name, currency in (currencies.uncounted(session, drawn, spend) if spend else {}).items():
        here = (
            notes.at("steps").at(name).at("campaign_id" if isinstance(drawn.steps[name], IssueVoucher) else "currency")
        )
        here.say(f"The journey's “spend” is in {spend.currency if spend else None}, and cannot count {currency}.")


def _check_segments(session: Session, drawn: Graph, notes: Notes) -> None:
    wanted = list(segments_of(drawn))
    if not wanted:
        return
    # Those that it names are held until the transaction ends, so that none is archived meanwhile.
    named = {key for _, key in wanted}
    session.scalars(select(Segment.key).where(Segment.key.in_(named)).with_for_update(read=True)).all()
    known = set(session.scalars(select(Segment.key).where(Segment.status != ARCHIVED)))
    for place, key in wanted:
        if key not in known:
            here = notes
            for part in place:
                here = here.at(part)
            here.say(unknown(key, known, "segment"))


def _check_door(session: Session, drawn: Graph, notes: Notes) -> None:
    if drawn.entry.kind != "door":
        return
    known = set(session.scalars(select(EntryDoor.slug)))
    if drawn.entry.subject not in known:
        notes.at("entry").at("door").say(unknown(drawn.entry.subject, known, "door"))


def _check_targets(session: Session, drawn: Graph, notes: Notes) -> None:
    wanted = {name: step.target_id for name, step in drawn.steps.items() if isinstance(step, Webhook)}
    if not wanted:
        return
    query = select(WebhookTarget.id, WebhookTarget.status).where(WebhookTarget.id.in_(wanted.values()))
    statuses: dict[UUID, str] = {row.id: row.status for row in session.execute(query)}
    for name, target_id in wanted.items():
        if statuses.get(target_id) != "active":
            told = "This target is closed." if target_id in statuses else "There is no such target."
            notes.at("steps").at(name).at("target_id").say(told)


def _check_messages(session: Session, drawn: Graph, notes: Notes) -> None:
    holding = flow.surely_holding(drawn.first, drawn.steps)
    for name, step in drawn.steps.items():
        if isinstance(step, SendMessage):
            here = notes.at("steps").at(name)
            _check_links(step, here.at("template"))
            if step.template_id is not None:
                _check_saved(session, step, drawn, here, holding=holding, name=name)


def _check_saved(
    session: Session, step: SendMessage, drawn: Graph, here: Notes, *, holding: Mapping[str, bool], name: str
) -> None:
    assert step.template_id is not None, "it says a saved template"
    said = saved.check(
        session,
        step.template_id,
        here.at("template_id"),
        channels=step.channels,
        purpose=step.purpose,
        says=variables.of_event(drawn.entry.event),
    )
    if said is not None and said.says_voucher and not holding[name]:
        here.say("This step names a voucher in its template, but it can be reached without one having been issued.")


def _check_links(step: SendMessage, here: Notes) -> None:
    addresses: Collection[Any] = step.wording.links.values() if step.wording else ()
    for address in addresses:
        if not links.is_allowed(address):
            here.say(f"Links may lead to these hosts only: {', '.join(links.hosts())}. Not to {address[:200]}.")


def gives_value(step: Step) -> bool:
    """Whether a step hands something of worth out."""
    return isinstance(step, IssueVoucher) or step.kind == "credit"
