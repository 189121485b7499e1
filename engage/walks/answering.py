"""Answering: what the steps of a batch ask for, done for all of them at once."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import Connection
from core.errors import Refusal
from core.events import Event, LoggedEvent
from core.money import Money
from engage.journeys import spending
from engage.journeys.spending import Purse
from engage.journeys.telling import Told, tell_staff
from engage.journeys.versions import Version
from engage.journeys.webhooks import calling
from engage.journeys.webhooks.calling import NewCall
from engage.steps import AskCall, AskCredit, AskFacts, AskStaff, AskTrait, AskVoucher
from engage.walks import past
from engage.walks.effects import Answer, Asked, AskPast, Given, Known, Noted, Refused
from insights.profiles.events import TraitSet
from insights.segments import loading
from rewards.campaigns.errors import HeldOut
from rewards.funds import Funds
from rewards.vouchers import Issue, Voucher, issuing
from wallet.ledger import Transfer
from wallet.lots import granting
from wallet.lots.granting import Grant


@dataclass(slots=True)
class Desk:
    """What answers bring along, for the end of the transaction.

    transfers  to be posted, in their order
    vouchers   by id, those that were issued just now, with their codes
    seen       by customer, the event that is being handled; nothing where due work asks
    spenders   the versions that the batch's customers walk; purse: what their journeys may still give away
    told       words to staff; calls: what targets are to be told
    """

    session: Session
    connection: Connection
    funds: Funds
    now: datetime
    reader: str
    transfers: list[Transfer] = field(default_factory=list)
    vouchers: dict[UUID, Voucher] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    seen: Mapping[UUID, LoggedEvent] = field(default_factory=dict)
    spenders: Collection[Version] = ()
    purse: Purse | None = None
    told: list[Told] = field(default_factory=list)
    calls: list[NewCall] = field(default_factory=list)

    def close(self) -> None:
        """Keep what was spent, tell staff, and let calls wait to be made.

        effects  stops the journeys that have no more to give
        """
        if self.purse is not None:
            spending.write(self.session, self.purse, now=self.now)
        tell_staff(self.session, self.told, now=self.now)
        calling.enqueue_all(self.session, self.calls, now=self.now)


def answer_all(desk: Desk, asked: Sequence[Asked]) -> list[Answer]:
    """The answers in the order of what was asked.

    effects  issues vouchers; leaves the posting of what they and credits move to the caller
    """
    answers: dict[UUID, Answer] = {}
    for kind, one_kind in _KINDS.items():
        mine = [one for one in asked if isinstance(one.ask, kind)]
        if mine:
            answers |= {one.run.id: said for one, said in zip(mine, one_kind(desk, mine), strict=True)}
    return [answers[one.run.id] for one in asked]


def _vouchers(desk: Desk, asked: Sequence[Asked]) -> list[Answer]:
    """Each run is a source of its own, so none is given twice."""
    wanted = [(one, one.ask.campaign_id) for one in asked if isinstance(one.ask, AskVoucher)]
    purse = _purse(desk)
    worth = spending.worth_of(desk.connection, {campaign for _, campaign in wanted}) if purse.left else {}
    refused = {one.run.id: no for one, of in wanted if (no := purse.take(one.walk.journey_id, worth.get(of)))}
    paid = [(one, of) for one, of in wanted if one.run.id not in refused]
    issues = [
        Issue(
            campaign_id=campaign_id,
            customer_id=one.walk.customer_id,
            source=f"step_run:{one.run.id}",
            caused_by=one.walk.caused_by,
            depth=one.walk.depth,
        )
        for one, campaign_id in paid
    ]
    outcomes, transfers = issuing.issue_later(desk.session, desk.connection, desk.funds, issues, now=desk.now)
    desk.transfers += transfers
    desk.vouchers |= {each.id: each for each in outcomes if isinstance(each, Voucher)}
    answers: dict[UUID, Answer] = {}
    for (one, campaign_id), each in zip(paid, outcomes, strict=True):
        if isinstance(each, Refusal):
            purse.give_back(one.walk.journey_id, worth.get(campaign_id))
        answers[one.run.id] = _refused(each) if isinstance(each, Refusal) else Given(each.id)
    return [answers.get(one.run.id) or _refused(refused[one.run.id]) for one in asked]


def _credits(desk: Desk, asked: Sequence[Asked]) -> list[Answer]:
    purse = _purse(desk)
    wanted = [(one, one.ask) for one in asked if isinstance(one.ask, AskCredit)]
    worth = {one.run.id: Money(ask.amount_minor, ask.currency) for one, ask in wanted}
    refused = {one.run.id: no for one, _ in wanted if (no := purse.take(one.walk.journey_id, worth[one.run.id]))}
    paid = [(one, ask) for one, ask in wanted if one.run.id not in refused]
    grants = [
        Grant(
            customer_id=one.walk.customer_id,
            amount=ask.amount_minor,
            asset=ask.currency,
            expires_at=desk.now + timedelta(days=ask.days),
            source=f"journey:{one.walk.journey_id}",
            key=f"step_run:{one.run.id}",
            caused_by=one.walk.caused_by,
            depth=one.walk.depth,
        )
        for one, ask in paid
    ]
    outcomes, transfers = granting.grant_later(desk.connection, grants, now=desk.now)
    desk.transfers += transfers
    answers: dict[UUID, Answer] = {}
    for (one, _), each in zip(paid, outcomes, strict=True):
        if isinstance(each, Refusal):
            purse.give_back(one.walk.journey_id, worth[one.run.id])
        answers[one.run.id] = _refused(each) if isinstance(each, Refusal) else Given()
    return [answers.get(one.run.id) or _refused(refused[one.run.id]) for one in asked]


def _facts(desk: Desk, asked: Sequence[Asked]) -> list[Answer]:
    needs = {need for one in asked if isinstance(one.ask, AskFacts) for need in one.ask.needs}
    known = loading.load(desk.connection, needs, {one.walk.customer_id for one in asked}, desk.now)
    return [Known(known[one.walk.customer_id]) for one in asked]


def _traits(desk: Desk, asked: Sequence[Asked]) -> list[Answer]:
    """Only the reader of profiles writes them; here they are announced."""
    for one in asked:
        if isinstance(one.ask, AskTrait):
            desk.events.append(
                TraitSet(
                    customer_id=one.walk.customer_id,
                    occurred_at=desk.now,
                    caused_by=one.walk.caused_by,
                    depth=one.walk.depth,
                    trace=one.walk.trace,
                    trait=one.ask.name,
                    value=one.ask.value,
                )
            )
    return [Noted() for _ in asked]


def _purse(desk: Desk) -> Purse:
    """Locked when the first step of the batch gives something, for all of its journeys at once."""
    if desk.purse is None:
        desk.purse = spending.lock(desk.session, desk.spenders, now=desk.now)
    return desk.purse


def _staff(desk: Desk, asked: Sequence[Asked]) -> list[Answer]:
    for one in asked:
        if isinstance(one.ask, AskStaff):
            desk.told.append(Told(one.walk.journey_id, one.walk.customer_id, one.ask.text))
    return [Noted() for _ in asked]


def _calls(desk: Desk, asked: Sequence[Asked]) -> list[Answer]:
    """Made once the transaction has committed; no walk waits for an answer."""
    for one in asked:
        if isinstance(one.ask, AskCall):
            body = calling.body_of(one.walk.journey_id, one.run, one.walk.context, one.ask.fields)
            desk.calls.append(NewCall(one.ask.target_id, one.run.id, one.walk.customer_id, body))
    return [Noted("queued") for _ in asked]


def _past(desk: Desk, asked: Sequence[Asked]) -> list[Answer]:
    return [*past.load(desk.connection, asked, reader=desk.reader, seen=desk.seen, now=desk.now)]


def _refused(refusal: Refusal) -> Refused:
    # Held out is nobody's fault: it is how the campaign's effect is told.
    return Refused(refusal.code, refusal.detail, refusal.facts, is_held_out=isinstance(refusal, HeldOut))


_KINDS: dict[type[Any], Callable[[Desk, Sequence[Asked]], list[Answer]]] = {
    AskPast: _past,
    AskVoucher: _vouchers,
    AskCredit: _credits,
    AskFacts: _facts,
    AskTrait: _traits,
    AskStaff: _staff,
    AskCall: _calls,
}
