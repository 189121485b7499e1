"""Why the other offers do not fit: for staff whom a customer asks."""

from collections import Counter as Tally
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from core.db import Connection
from rewards import rules, terms
from rewards.campaigns.catalogue import Compiled
from rewards.offers import shelf, standing
from rewards.offers.qualifying import Asked
from rewards.redemption import conditions, reasons
from rewards.redemption.conditions import Case, Visit
from rewards.redemption.evidence import Held
from rewards.redemption.reasons import CODES, Reason

#: How many are explained, and how many of the customer's vouchers are looked at, the latest.
MOST = 100
_MOST_VOUCHERS = 200

#: The customer holds no voucher of it, and there is no code that anybody may show.
NO_VOUCHER = "no_voucher"


@dataclass(frozen=True, slots=True)
class Other:
    """An offer that is not made. code: of the first condition that is not met."""

    case: Case
    code: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Others:
    """explained: the customer's own first, then those of more priority; counts: by code, of all"""

    explained: list[Other]
    counts: dict[str, int]


def of(connection: Connection, asked: Asked, *, but: Collection[UUID]) -> Others:
    """Of all coupons that run in the asked currency, and those of which the customer holds a voucher, the ones that are
    not offered. but: the campaigns that are."""
    catalogue, _ = shelf.current(connection)
    held = _held(connection, asked)
    running = {each.terms.campaign_id: each for each in catalogue.running if each.terms.currency == asked.currency}
    own = [compiled for campaign_id in held if (compiled := catalogue.of(campaign_id)) is not None]
    looked_at = running | {each.terms.campaign_id: each for each in own}
    wanted = [each for each in looked_at.values() if each.terms.campaign_id not in but and each.terms.kind == "coupon"]
    visit = _visit(connection, asked, wanted)
    cases = [_case(visit, each, held.get(each.terms.campaign_id)) for each in wanted]
    missed = _missed(connection, cases)

    missed.sort(key=lambda each: (not each[0].is_given, -each[0].terms.priority, -each[0].terms.campaign_id.int))
    for case, _ in missed[:MOST]:
        conditions.weigh(case)
        standing.complete(connection, case)
    explained = [Other(case, code, _reason(case, code)) for case, code in missed[:MOST]]
    return Others(explained, dict(Tally([code for _, code in missed])))


def _held(connection: Connection, asked: Asked) -> dict[UUID, Held]:
    """By campaign, the customer's coupon that comes nearest to being used."""
    rows = connection.execute(_HELD, [asked.customer_id, _MOST_VOUCHERS]).fetchall()
    of_campaigns = terms.load(connection, [row[1] for row in rows])
    found: dict[UUID, Held] = {}
    for voucher_id, campaign_id, expires_at, is_blocked, used, is_of_batch in rows:
        of = of_campaigns[campaign_id]
        held = Held(voucher_id, asked.customer_id, expires_at, of, False, is_blocked, used, is_of_batch)
        before = found.get(campaign_id)
        if before is None or _distance(held, asked) < _distance(before, asked):
            found[campaign_id] = held
    return found


def _distance(held: Held, asked: Asked) -> tuple[bool, bool, bool]:
    is_used = held.uses_cap is not None and held.used >= held.uses_cap
    return held.is_blocked, held.expires_at is not None and asked.at >= held.expires_at, is_used


def _visit(connection: Connection, asked: Asked, wanted: Sequence[Compiled]) -> Visit:
    facts = asked.facts
    needs: set[rules.Need] = set().union(*[each.rule.needs for each in wanted if each.rule is not None])
    rules.load_many(connection, needs, [facts])
    _, audiences = standing.of_customer(connection, asked.customer_id, at=asked.at)
    return Visit(facts, audiences)


def _case(visit: Visit, compiled: Compiled, held: Held | None) -> Case:
    return Case(visit, compiled.terms, compiled.rule, compiled.skus, held is not None, held)


def _missed(connection: Connection, cases: Sequence[Case]) -> list[tuple[Case, str]]:
    """Those that are not met, each with the code of the first condition; the rest are offers beyond the most told."""
    found: list[tuple[Case, str]] = []
    fitting: list[Case] = []
    for case in cases:
        name = conditions.missed(case)
        if name is not None or not case.worth:
            found.append((case, CODES[name or "covered"]))
        else:
            fitting.append(case)
    codes = standing.with_codes(connection, [case.terms.campaign_id for case in fitting if not case.is_given])
    left = standing.left(connection, [use for case in fitting for use in case.uses(case.worth)])
    budgets = standing.budgets(connection, [case.terms for case in fitting])
    for case in fitting:
        case.left, case.budget = left, budgets.get(case.terms.budget_account, 0)
        if not case.is_given and case.terms.campaign_id not in codes:
            found.append((case, NO_VOUCHER))
        elif (name := conditions.missed(case)) is not None:
            found.append((case, CODES[name]))
    return found


def _reason(case: Case, code: str) -> Reason:
    reason = reasons.of(case)
    if code == NO_VOUCHER:
        reason.conditions.append({"code": NO_VOUCHER, "is_met": False, "needed": True, "actual": False})
    return reason


_HELD = """
    SELECT v.id, v.campaign_id, v.expires_at, v.state = 'blocked', v.used, v.batch_id IS NOT NULL
      FROM rewards.voucher v JOIN rewards.campaign c ON c.id = v.campaign_id
     WHERE v.customer_id = %s AND c.kind = 'coupon' ORDER BY v.id DESC LIMIT %s
"""
