"""Asking without effect: would these vouchers be taken, and what stands between a campaign and a basket."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from auth.models import Store
from core.db import connection_of
from core.errors import InvalidInput, NotFound, Refusal
from rewards import rules, terms
from rewards.campaigns import catalogue, holdouts, schedules
from rewards.campaigns.catalogue import Compiled
from rewards.discounts import price
from rewards.errors import CampaignNotRunning
from rewards.funds import Funds
from rewards.offers import standing
from rewards.offers.qualifying import Asked
from rewards.redemption import deciding, evidence
from rewards.redemption.deciding import Use
from rewards.redemption.evidence import Shown
from wallet.paying.tills import Till


@dataclass(frozen=True, slots=True)
class Validation:
    """What the vouchers would take, in the order of their use; or the refusal that all of them would meet."""

    uses: list[Use]
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class Checked:
    """Each condition of a campaign as {code, is_met, needed, actual}; reason: the tree of its rule, if it has one"""

    worth_minor: int
    conditions: list[dict[str, Any]]
    reason: dict[str, Any] | None

    @property
    def is_met(self) -> bool:
        return all(each["is_met"] for each in self.conditions)


def validate(session: Session, shown: Shown) -> Validation:
    """Decide just as a till's request would be, and undo it: nothing is written, no event is announced.

    effects  locks vouchers and counters until it is decided
    """
    nested = session.begin_nested()
    try:
        known = evidence.gather(connection_of(session), Funds(are_read=True), [shown])
        return Validation(deciding.decide(known, shown), None)
    except Refusal as refusal:
        return Validation([], refusal)
    finally:
        nested.rollback()


def store_till(session: Session, store_id: UUID | None) -> Till | None:
    """Some till of a store: no condition asks which one.

    raises  NotFound
    """
    if store_id is None:
        return None
    store = session.get(Store, store_id)
    if store is None:
        raise NotFound("There is no such store")
    return Till(merchant_id=store.merchant_id, store_id=store.id, terminal_id=store.id)


def check(session: Session, campaign_id: UUID, asked: Asked) -> Checked:
    """Every condition of a campaign, a draft too, for a basket and a customer who holds no voucher of it yet.

    raises  NotFound; InvalidInput for a gift card, which pays for any basket
    """
    connection = connection_of(session)
    of = terms.load_one(session, campaign_id)
    if of.is_gift_card:
        raise InvalidInput("A gift card pays for any basket: there is nothing to check")
    [compiled] = catalogue.compile_(connection, [of])
    lines = asked.basket.lines
    covered = [at for at, line in enumerate(lines) if compiled.skus is None or line.sku in compiled.skus]
    worth_minor = price(of.discount, asked.basket, covered).worth_minor
    reason = _reason(session, compiled, asked)
    conditions = [*_of_campaign(compiled, asked.at), *_of_customer(session, compiled, asked)]
    conditions += [
        _told("currency_mismatch", asked.currency == of.currency, of.currency, asked.currency),
        _told(
            "minimum_spend",
            asked.basket.total_minor >= of.min_spend_minor,
            of.min_spend_minor,
            asked.basket.total_minor,
        ),
        _told("basket_not_covered", worth_minor > 0, 1, worth_minor),
        *_of_value(session, compiled, asked, worth_minor),
    ]
    if reason is not None:
        conditions.append(_told("conditions_not_met", reason["is_met"], True, reason["is_met"]))
    return Checked(worth_minor, conditions, reason)


def _reason(session: Session, compiled: Compiled, asked: Asked) -> dict[str, Any] | None:
    if compiled.rule is None:
        return None
    facts = rules.load(
        connection_of(session),
        compiled.rule.needs,
        customer_id=asked.customer_id,
        basket=asked.basket,
        till=asked.till,
        at=asked.at,
        currency=asked.currency,
    )
    return compiled.rule.explain(facts)


def _of_campaign(compiled: Compiled, at: datetime) -> Iterator[dict[str, Any]]:
    of = compiled.terms
    try:
        of.check_running(at)
        yield _told("campaign_not_running", True, "running", of.state)
    except CampaignNotRunning as refusal:
        window = f"{of.starts_at.isoformat()} – {of.ends_at.isoformat()}"
        needed, actual = ("running", of.state) if "campaign_status" in refusal.facts else (window, at.isoformat())
        yield _told("campaign_not_running", False, needed, actual)
    if of.schedule is not None:
        yield _told("campaign_closed_now", schedules.is_open(of.schedule, at), of.schedule, at.isoformat())


def _of_customer(session: Session, compiled: Compiled, asked: Asked) -> Iterator[dict[str, Any]]:
    of = compiled.terms
    _, audiences = standing.of_customer(connection_of(session), asked.customer_id, at=asked.at)
    if of.audience_id is not None:
        is_in = of.audience_id in audiences
        yield _told("not_in_audience", is_in, True, is_in)
    if asked.customer_id is not None:
        is_out = holdouts.is_held_out(of, asked.customer_id)
        yield _told("held_out", not is_out, False, is_out)


def _of_value(session: Session, compiled: Compiled, asked: Asked, worth_minor: int) -> Iterator[dict[str, Any]]:
    of, connection = compiled.terms, connection_of(session)
    left = standing.uses_left(
        connection,
        [(of, worth_minor)],
        customer_id=asked.customer_id,
        store_id=asked.store_id,
        at=asked.at,
    ).get(of.campaign_id)
    if left is not None:
        yield _told("limit_reached", left > 0, 1, left)
    budget = standing.budgets(connection, [of]).get(of.budget_account, 0)
    yield _told("budget_exhausted", budget >= worth_minor, worth_minor, budget)


def _told(code: str, is_met: bool, needed: Any, actual: Any) -> dict[str, Any]:
    return {"code": code, "is_met": is_met, "needed": needed, "actual": actual}
