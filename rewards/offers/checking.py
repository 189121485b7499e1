"""Asking without effect: would these vouchers be taken, and what stands between a campaign and a basket."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from auth.models import Store
from core.db import Connection, connection_of
from core.errors import InvalidInput, NotFound, Refusal
from rewards import funds, rules, terms
from rewards.campaigns import catalogue
from rewards.funds import Funds
from rewards.offers import standing
from rewards.offers.qualifying import Asked
from rewards.redemption import conditions, deciding, evidence, reasons
from rewards.redemption.conditions import Case, Visit
from rewards.redemption.deciding import LeftOut, Use
from rewards.redemption.evidence import Held, Shown
from rewards.redemption.reasons import Reason
from rewards.terms import Terms
from wallet.paying.tills import Till


@dataclass(frozen=True, slots=True)
class Validation:
    """What the vouchers would take, in the order of their use, and which would be left out; or the refusal that all of
    them would meet."""

    uses: list[Use]
    refusal: Refusal | None
    left_out: list[LeftOut]


@dataclass(frozen=True, slots=True)
class Checked:
    """worth_minor: what it would take off, or pay, if its conditions were met; reason: each of them"""

    worth_minor: int
    reason: Reason


def validate(session: Session, shown: Shown) -> Validation:
    """Decide just as a till's request would be, and undo it: nothing is written, no event is announced.

    effects  locks vouchers and counters until it is decided
    """
    nested = session.begin_nested()
    try:
        known = evidence.gather(connection_of(session), Funds(are_read=True), [shown])
        left_out: list[LeftOut] = []
        return Validation(deciding.decide(known, shown, left_out=left_out), None, left_out)
    except Refusal as refusal:
        return Validation([], refusal, [])
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
    of = terms.load_one(session, campaign_id)
    if of.is_gift_card:
        raise InvalidInput("A gift card pays for any basket: there is nothing to check")
    return _checked(connection_of(session), of, None, asked)


def check_own(session: Session, voucher_id: UUID, asked: Asked) -> Checked:
    """Every condition of a customer's own voucher for a basket, by itself, as a till would find it now. Nothing is
    locked, so another may use it up before.

    raises  NotFound, also for someone else's
    """
    connection = connection_of(session)
    row = connection.execute(_OWN, [voucher_id, asked.customer_id]).fetchone()
    if row is None:
        raise NotFound
    of = terms.load(connection, [row[1]])[row[1]]
    held = Held(row[0], asked.customer_id, row[2], of, False, row[3], row[4], is_of_batch=row[5])
    return _checked(connection, of, held, asked)


def _checked(connection: Connection, of: Terms, held: Held | None, asked: Asked) -> Checked:
    [compiled] = catalogue.compile_(connection, [of])
    needs = compiled.rule.needs if compiled.rule is not None else ()
    rules.load_many(connection, needs, [facts := asked.facts])
    _, audiences = standing.of_customer(connection, asked.customer_id, at=asked.at)
    case = Case(Visit(facts, audiences), of, compiled.rule, compiled.skus, held is not None, held)
    if held is not None and of.is_gift_card:
        case.budget = funds.available(connection, [held.account]).get(held.account, 0)
        case.is_frozen = bool(evidence.frozen_of(connection, [held]))
        case.worth = min(case.budget, case.visit.total_minor)
    else:
        conditions.weigh(case)
        standing.complete(connection, case)
    return Checked(case.worth, reasons.of(case))


_OWN = """
    SELECT id, campaign_id, expires_at, state = 'blocked', used, batch_id IS NOT NULL
      FROM rewards.voucher WHERE id = %s AND customer_id = %s
"""
