"""Fresh vouchers of a sandbox, one for each time that an integrator's test wants one."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.db import connection_of
from core.errors import NotFound
from core.money import SANDBOX
from rewards import terms
from rewards.baskets import Basket, Line
from rewards.redemption import redeeming
from rewards.redemption.redeeming import Request
from rewards.tills.models import Sandbox
from rewards.tills.sandbox import money
from rewards.tills.sandbox.scenarios import CATEGORY, SCENARIOS, USED_MINOR, Scenario
from rewards.vouchers import blocking, codes, issuing
from rewards.vouchers import rows as voucher_rows
from rewards.vouchers.issuing import Issue
from rewards.vouchers.rows import Draft, Voucher
from wallet.paying.tills import Till


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A code to show to a till. voucher_id: None where there is no such voucher."""

    name: str
    scenario: Scenario
    code: str = field(repr=False)
    voucher_id: UUID | None
    expires_at: datetime | None


def give(session: Session, sandbox: Sandbox, *, scenario: str, customer: str, now: datetime) -> Given:
    """A fresh voucher for a scenario, held by that customer where it is held by anybody.

    raises   NotFound for another scenario or customer
    effects  as the voucher of a campaign; one that is used up was redeemed at the sandbox's own terminal
    """
    of = SCENARIOS.get(scenario)
    if of is None:
        raise NotFound("There is no such scenario")
    customer_id = money.customer_of(sandbox, customer)
    if of.campaign is None:
        code = codes.draw()
        return Given(
            name=scenario,
            scenario=of,
            code=_mistyped(code) if scenario == "mistyped" else code,
            voucher_id=None,
            expires_at=None,
        )

    holders = {"nobody": None, "customer": customer_id, "other": money.customer_of(sandbox, money.OTHER)}
    voucher = _made(session, UUID(sandbox.campaigns[of.campaign]), holders[of.holder], of, now=now)
    if of.fate == "used_up":
        _use_up(session, sandbox, voucher.id, _elsewhere(session, sandbox), now=now)
    if of.fate == "blocked":
        blocking.block(session, voucher.id, actor=f"sandbox:{sandbox.merchant_id}", now=now)
    return Given(name=scenario, scenario=of, code=voucher.code, voucher_id=voucher.id, expires_at=voucher.expires_at)


def use_limit_up(session: Session, sandbox: Sandbox, elsewhere_id: UUID, *, now: datetime) -> None:
    """Take the one use that the campaign `limited` has."""
    voucher = _made(session, UUID(sandbox.campaigns["limited"]), None, SCENARIOS["limit_reached"], now=now)
    _use_up(session, sandbox, voucher.id, elsewhere_id, now=now)


def _made(session: Session, campaign_id: UUID, customer_id: UUID | None, of: Scenario, *, now: datetime) -> Voucher:
    """A voucher of the campaign, also of one that is paused; a bearer's where it is nobody's."""
    source = f"sandbox:{ids.new()}"
    its = terms.load_one(session, campaign_id)
    if its.is_gift_card:
        return issuing.issue(session, Issue(campaign_id=campaign_id, customer_id=customer_id, source=source), now=now)
    voucher = Voucher(
        id=ids.new(),
        campaign_id=campaign_id,
        customer_id=customer_id,
        kind=its.kind,
        code=codes.draw(),
        currency=its.currency,
        value_minor=None,
        expires_at=now - timedelta(days=1) if of.fate == "expired" else its.ends_at,
        issued_at=now - timedelta(days=2) if of.fate == "expired" else now,
        replayed=False,
    )
    voucher_rows.insert(session, [Draft(source, voucher, (), is_bearer=customer_id is None)])
    return voucher


def _use_up(session: Session, sandbox: Sandbox, voucher_id: UUID, elsewhere_id: UUID, *, now: datetime) -> None:
    """Redeem it as a till would, at the sandbox's own terminal: so its day-end is not the integrator's."""
    line = Line("sandbox", CATEGORY, "1", USED_MINOR)
    request = Request(
        till=Till(merchant_id=sandbox.merchant_id, store_id=elsewhere_id, terminal_id=sandbox.own_terminal_id),
        reference=voucher_id,
        basket=Basket((line,)),
        currency=SANDBOX,
        till_reference=str(voucher_id),
    )
    redeeming.redeem(connection_of(session), request, at=now)


def _elsewhere(session: Session, sandbox: Sandbox) -> UUID:
    query = "SELECT store_id FROM auth.terminal WHERE id = %s"
    row = connection_of(session).execute(query, [sandbox.own_terminal_id]).fetchone()
    assert row is not None, "terminals stay"
    found: UUID = row[0]
    return found


def _mistyped(code: str) -> str:
    """Two different neighbours of the code changed over, as fingers do; its check character tells."""
    for place in range(len(code) - 1):
        first, second = code[place], code[place + 1]
        swapped = code[:place] + second + first + code[place + 2 :]
        if codes.is_mistyped(codes.normalise(swapped)):
            return swapped
    return f"{code[:-1]}{'0' if code[-1] != '0' else '1'}"
