"""Vouchers: giving coupons and gift cards to customers, each once for its cause."""

import hashlib
from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.db import Connection
from core.errors import NotFound, Refusal
from core.events import announce_all
from core.money import SANDBOX
from rewards import audiences, counters, terms
from rewards.campaigns import holdouts
from rewards.campaigns.errors import HeldOut
from rewards.counters import Counted
from rewards.errors import BudgetExhausted, LimitReached, NotInAudience, VoucherSourceReused, VoucherUsedUp
from rewards.events import VoucherIssued
from rewards.funds import Funds, post_with
from rewards.terms import Terms
from rewards.vouchers import codes
from rewards.vouchers import rows as voucher_rows
from rewards.vouchers.rows import Draft, Voucher
from wallet import accounts, ledger
from wallet.accounts import Opening
from wallet.errors import SandboxMixed
from wallet.ledger import Leg, Transfer

__all__ = ["Issue", "Voucher", "issue", "issue_all", "issue_each", "issue_later"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """A voucher to give.

    customer_id   None for a generic code, which anyone may show
    source        the one cause it is given for ("step_run:<id>"): the same source gives the same voucher again
    chosen_code   what staff want the code to be ("SPRING10"), only for a generic one; None draws it
    at            business time; None is the `now` of the call
    """

    campaign_id: UUID
    customer_id: UUID | None
    source: str
    chosen_code: str | None = None
    at: datetime | None = None
    caused_by: UUID | None = None
    depth: int = 0


def issue(session: Session, given: Issue, *, now: datetime) -> Voucher:
    """`issue_all` of one."""
    return issue_all(session, [given], now=now)[0]


def issue_all(session: Session, issues: Sequence[Issue], *, now: datetime) -> list[Voucher]:
    """Give all of these vouchers, or none.

    raises  the first refusal of `issue_each`
    """
    with session.begin_nested():
        outcomes = issue_each(session, issues, now=now)
        refusal = next((outcome for outcome in outcomes if isinstance(outcome, Refusal)), None)
        if refusal is not None:
            raise refusal
    return [outcome for outcome in outcomes if isinstance(outcome, Voucher)]


def issue_each(session: Session, issues: Sequence[Issue], *, now: datetime) -> list[Voucher | Refusal]:
    """Give each of these vouchers that may be given, and say why not of the others, in a handful of statements.

    refusals  CampaignNotRunning; SandboxMixed; NotInAudience; HeldOut; VoucherSourceReused, or VoucherUsedUp where the
              customer gave it on; of gift cards LimitReached and BudgetExhausted
    raises    NotFound for an unknown campaign
    effects   moves each gift card's value from its campaign's budget, in one posting; announces voucher.issued
    """
    if not issues:
        return []

    def issue_and_post(connection: Connection, funds: Funds) -> list[Voucher | Refusal]:
        outcomes, fillings = issue_later(session, connection, funds, issues, now=now)
        if fillings:
            ledger.post_all(connection, fillings)
        return outcomes

    return post_with(session, issue_and_post)


def issue_later(
    session: Session, connection: Connection, funds: Funds, issues: Sequence[Issue], *, now: datetime
) -> tuple[list[Voucher | Refusal], list[Transfer]]:
    """`issue_each` for who posts more than this in the one posting of its transaction: what came of each, and what the
    caller posts at its end, inside the `post_with` whose `funds` these are.
    """
    known = voucher_rows.by_source(session, [given.source for given in issues])
    fresh = {given.source: given for given in issues if given.source not in known}
    of_campaigns = terms.load(connection, [given.campaign_id for given in fresh.values()])
    if any(given.campaign_id not in of_campaigns for given in fresh.values()):
        raise NotFound("There is no such campaign")
    drafts, refusals = _decide(connection, funds, list(fresh.values()), of_campaigns, now=now)

    kept = voucher_rows.insert(session, drafts)
    issued = [draft for draft in drafts if draft.source in kept]
    counters.add(connection, Tally(name for draft in issued for name in draft.uses))
    fillings = _fillings(connection, [d.voucher for d in issued if d.voucher.value_minor], of_campaigns)

    announce_all(session, [_fact(fresh[draft.source], draft.voucher) for draft in issued])
    # A twin may have been first, and have taken the last of a limit or budget while we waited for its locks.
    known |= voucher_rows.by_source(session, [source for source in fresh if source not in kept])
    outcomes: dict[str, Voucher | Refusal] = {**refusals, **known}
    outcomes |= {draft.source: draft.voucher for draft in issued}
    return [_meant(connection, given, outcomes[given.source]) for given in issues], fillings


def _meant(connection: Connection, given: Issue, outcome: Voucher | Refusal) -> Voucher | Refusal:
    """A source names one voucher, so whoever means another by it is told so and never handed somebody else's."""
    if isinstance(outcome, Refusal):
        return outcome
    is_of_campaign = outcome.campaign_id == given.campaign_id
    if is_of_campaign and outcome.customer_id == given.customer_id:
        return outcome
    if is_of_campaign and connection.execute(_GAVE_ON, [given.customer_id, outcome.id]).rowcount:
        return VoucherUsedUp.given_on()
    return VoucherSourceReused()


def _decide(
    connection: Connection, funds: Funds, issues: Sequence[Issue], of_campaigns: dict[UUID, Terms], *, now: datetime
) -> tuple[list[Draft], dict[str, Refusal]]:
    """Which of the fresh ones are given; in order, so that the first ones get what is left of a limit or a budget."""
    of_issue = [(given, of_campaigns[given.campaign_id]) for given in issues]
    invited = audiences.members(
        connection, [(t.audience_id, i.customer_id) for i, t in of_issue if t.audience_id and i.customer_id]
    )
    left = counters.lock(connection, {name: cap for given, of in of_issue for name, cap in _limits(given, of)})
    funds.read(connection, [of.budget_account for _, of in of_issue if of.value_minor])

    drafts: list[Draft] = []
    refusals: dict[str, Refusal] = {}
    for given, of in of_issue:
        try:
            _check(given, of, invited, left, funds, at=given.at or now)
        except Refusal as refusal:
            refusals[given.source] = refusal
            continue
        uses = tuple([name for name, _ in _limits(given, of)])
        for name in uses:
            left[name] -= 1
        if of.value_minor:
            funds.take(of.budget_account, of.value_minor)
        drafts.append(Draft(given.source, _drawn(given, of, at=given.at or now), uses))
    return drafts, refusals


def _limits(given: Issue, of: Terms) -> list[tuple[Counted, int]]:
    """The counters that issuing takes from: a gift card's limits count cards, since each has many uses."""
    return of.limits(given.customer_id) if of.is_gift_card else []


def _check(
    given: Issue, of: Terms, invited: set[tuple[UUID, UUID]], left: dict[Counted, int], funds: Funds, *, at: datetime
) -> None:
    of.check_running(at)
    if given.customer_id and (of.currency == SANDBOX) != ids.is_sandbox(given.customer_id):
        raise SandboxMixed
    if of.audience_id and given.customer_id and (of.audience_id, given.customer_id) not in invited:
        raise NotInAudience
    if given.customer_id and holdouts.is_held_out(of, given.customer_id):
        raise HeldOut
    for name, cap in _limits(given, of):
        if left[name] < 1:
            raise LimitReached(limit=cap)
    if of.value_minor and not funds.has(of.budget_account, of.value_minor):
        raise BudgetExhausted


def _drawn(given: Issue, of: Terms, *, at: datetime) -> Voucher:
    return Voucher(
        id=ids.new(),
        campaign_id=given.campaign_id,
        customer_id=given.customer_id,
        kind=of.kind,
        code=given.chosen_code or codes.draw(),
        currency=of.currency,
        value_minor=of.value_minor,
        expires_at=of.expiry(at),
        issued_at=at,
        replayed=False,
    )


def _fillings(connection: Connection, cards: Sequence[Voucher], of_campaigns: dict[UUID, Terms]) -> list[Transfer]:
    if cards:
        accounts.open_all(connection, [Opening(terms.card_owner(card.id), "gift", card.currency, 0) for card in cards])
    return [filling(card.id, of_campaigns[card.campaign_id], at=card.issued_at) for card in cards]


def filling(card_id: UUID, of: Terms, *, at: datetime, **details: str) -> Transfer:
    """What fills a gift card out of its campaign's budget, once. details: to be kept beside whose it is"""
    value = of.value_minor or 0
    return Transfer(
        id=ids.new(),
        principal=terms.owner_of(of.campaign_id),
        key=f"issue:{card_id}",
        fingerprint=hashlib.sha256(card_id.bytes).digest(),
        kind="voucher.issue",
        legs=(Leg(of.budget_account, -value), Leg(terms.gift_account(card_id, of.currency), value)),
        effective_at=at,
        details={"voucher_id": str(card_id), "campaign_id": str(of.campaign_id), **details},
    )


def _fact(given: Issue, voucher: Voucher) -> VoucherIssued:
    return VoucherIssued(
        customer_id=voucher.customer_id,
        occurred_at=voucher.issued_at,
        caused_by=given.caused_by,
        depth=given.depth,
        voucher_id=voucher.id,
        campaign_id=voucher.campaign_id,
        kind=voucher.kind,
        source=given.source,
        expires_at=voucher.expires_at,
    )


_GAVE_ON = "SELECT FROM rewards.gift WHERE giver_id = %s AND voucher_id = %s LIMIT 1"
