"""Warnings: what a journey does that its author may not have meant. None of them keeps it from being published."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from core import bounded
from core.db import connection_of
from core.events.named import VOUCHER_REDEEMED
from core.notes import Notes
from engage.journeys import checking, spending
from engage.journeys.graph import Graph
from engage.journeys.models import Journey
from engage.steps import SendMessage, Wait, WaitUntil
from engage.steps.hints import length
from insights.streams import Stream
from insights.streams import catalogue as streams
from rewards import funds, terms
from rewards.terms import Terms
from wallet.assets import exponent_of

#: What entries are expected by: the last whole month of the event that lets customers in.
_LOOKED_BACK = timedelta(days=30)

#: Somebody waits for the answer: of an event that happens millions of times a month it is not known.
_WAITED_FOR = timedelta(milliseconds=300)


@dataclass(frozen=True, slots=True)
class Expected:
    """entries: of the last 30 days, whatever its `where` and audience ask; None: not known, or too many to count"""

    entries: int | None
    warnings: list[dict[str, str]] = field(default_factory=list)


def of(session: Session, journey: Journey, drawn: Graph, *, pointer: str, now: datetime) -> Expected:
    """What the author of a journey should look at again."""
    notes = Notes(pointer)
    campaigns = checking.campaigns_of(drawn)
    of_campaigns = terms.load(connection_of(session), campaigns.values())
    entries = _entries(session, drawn, now=now)

    _of_measure(journey, drawn, notes)
    _of_entry(drawn, notes)
    _of_messages(drawn, notes)
    _of_days(drawn, notes)
    _of_counts(session, drawn, notes)
    _of_campaigns(campaigns, of_campaigns, notes)
    _of_time(drawn, campaigns, of_campaigns, notes)
    _of_budget(session, campaigns, of_campaigns, entries, notes)
    return Expected(entries, notes.errors)


def _of_measure(journey: Journey, drawn: Graph, notes: Notes) -> None:
    if journey.holdout_bps == 0:
        notes.say("Nobody is held out, so nobody will know what this journey brings about. One in ten is usual.")
    if drawn.goal is None:
        notes.at("goal").say("The journey has no goal, so no conversions are counted.")
    if journey.spend is None and any(checking.gives_value(step) for step in drawn.steps.values()):
        notes.say("It gives value away and has no “spend”, so only its campaigns' budgets hold it.")


def _of_entry(drawn: Graph, notes: Notes) -> None:
    if drawn.entry.kind == "date" and drawn.re_entry.kind == "never":
        notes.at("re_entry").say(
            'The date comes every year, and each customer enters once. {"once_per": "day"} is usual.'
        )
    if drawn.entry.event.startswith("outside."):
        notes.at("entry").say("Events from outside have whatever fields they are sent with, so those are not checked.")


def _of_messages(drawn: Graph, notes: Notes) -> None:
    for name, step in drawn.steps.items():
        if (
            isinstance(step, SendMessage)
            and step.purpose == "transactional"
            and drawn.entry.kind in ("segment", "date")
        ):
            notes.at("steps").at(name).at("purpose").say(
                "Nothing that the customer did leads to this message, so it is hardly “transactional”: marketing needs"
                " their consent."
            )


def _of_days(drawn: Graph, notes: Notes) -> None:
    for name, step in drawn.steps.items():
        if isinstance(step, WaitUntil) and step.date_of and step.on_past is None:
            notes.at("steps").at(name).at("on_past").say(
                f"The journey ends for those whose day in “{step.date_of}” is over. “on_past” leads them elsewhere."
            )


def _of_counts(session: Session, drawn: Graph, notes: Notes) -> None:
    wanted = drawn.streams
    known = streams.ids_of(connection_of(session), wanted)
    if any(stream not in known or not known[stream][1] for stream in wanted):
        notes.say("What its conditions count is not counted yet: nobody enters for the minutes that it takes.")


def _of_campaigns(campaigns: Mapping[str, UUID], of_campaigns: Mapping[UUID, Terms], notes: Notes) -> None:
    for name, campaign_id in campaigns.items():
        of = of_campaigns.get(campaign_id)
        if of is not None and of.state != "running":
            told = f"The campaign is not running ({of.state}): the step gives nothing until it is started."
            notes.at("steps").at(name).at("campaign_id").say(told)


def _of_time(drawn: Graph, campaigns: Mapping[str, UUID], of_campaigns: Mapping[UUID, Terms], notes: Notes) -> None:
    """A wait for a redemption that outlives the voucher waits for what cannot happen any more."""
    days = [of_campaigns[one].voucher_days for one in campaigns.values() if one in of_campaigns]
    shortest = min((each for each in days if each is not None), default=None)
    if shortest is None:
        return
    for name, step in drawn.steps.items():
        if isinstance(step, Wait) and step.for_event == VOUCHER_REDEEMED and step.timeout > timedelta(days=shortest):
            told = f"It waits {length(step.timeout)}, and the voucher lives {length(timedelta(days=shortest))}."
            notes.at("steps").at(name).at("timeout_seconds").say(told)


def _of_budget(
    session: Session,
    campaigns: Mapping[str, UUID],
    of_campaigns: Mapping[UUID, Terms],
    entries: int | None,
    notes: Notes,
) -> None:
    if not entries:
        return
    connection = connection_of(session)
    worth = {of: one.amount_minor for of, one in spending.worth_of(connection, of_campaigns.keys()).items()}
    left = funds.available(connection, [of.budget_account for of in of_campaigns.values()])
    for name, campaign_id in campaigns.items():
        of = of_campaigns.get(campaign_id)
        if of is None or not worth.get(campaign_id) or left.get(of.budget_account, 0) >= entries * worth[campaign_id]:
            continue
        told = (
            f"In the last 30 days {entries} would have entered, for {_money(entries * worth[campaign_id], of)} in all;"
            f" the campaign has {_money(left.get(of.budget_account, 0), of)} left."
        )
        notes.at("steps").at(name).at("campaign_id").say(told)


def _entries(session: Session, drawn: Graph, *, now: datetime) -> int | None:
    """How often the event that lets customers in happened in the last 30 days; None where it is not counted, or is
    counted so often that nobody waits for the sum.
    """
    if drawn.entry.kind != "event":
        return None
    stream = Stream(drawn.entry.event)
    connection = connection_of(session)
    known = streams.ids_of(connection, [stream])
    if stream not in known:
        return None
    values = [known[stream][0], (now - _LOOKED_BACK).date()]
    found = bounded.rows(session, _COUNTED, values, within=_WAITED_FOR)
    return int(found[0][0]) if found else None


def _money(amount_minor: int, of: Terms) -> str:
    decimals = exponent_of(of.currency)
    return f"{amount_minor / 10**decimals:,.{decimals}f} {of.currency}"


_COUNTED = "SELECT coalesce(sum(count), 0) FROM insights.activity_day WHERE stream_id = %s AND day >= %s"
