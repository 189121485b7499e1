"""Whoever asks whether a coupon may be used is told the same: the app, the till, the checkout and the simulation."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import ids
from core.db import connection_of, transaction
from core.errors import Refusal
from rewards import checkouts, funds, terms
from rewards.baskets import Basket
from rewards.campaigns import catalogue
from rewards.offers import checking, qualifying
from rewards.offers.qualifying import Asked
from rewards.redemption import redeeming
from rewards.redemption.conditions import Visit
from rewards.redemption.evidence import Shown
from rewards.redemption.recording import Redemption
from rewards.redemption.redeeming import Request
from rewards.rules.loading import load_many
from rewards.simulation.playing import Purse, weigh
from rewards.simulation.report import Uses
from rewards.vouchers import Voucher
from tests.rewards.conftest import NOW, World, line
from wallet.assets import brand_time_zone

LOCAL = NOW.astimezone(ZoneInfo(brand_time_zone()))
OPEN = {"weekly": [{"days": ["mon"], "from": "00:00", "to": "24:00"}]}
CLOSED = {"weekly": [{"days": ["mon"], "from": "00:00", "to": f"{LOCAL:%H:%M}"}]}
RULES: list[dict[str, Any] | None] = [
    None,
    {"fact": "basket.total_minor", "is": "at_least", "value": 1_000},
    {"any_line": {"fact": "line.sku", "is": "equals", "value": "tea"}},
    {"fact": "history.orders", "is": "at_most", "value": 0},
    {"fact": "history.orders", "is": "at_least", "value": 1},
]
LIMITS: list[dict[str, Any]] = [
    {"scope": "store", "measure": "uses", "period": "day", "most": 1},
    {"scope": "total", "measure": "amount", "period": "month", "most": 600},
    {"scope": "customer", "measure": "amount", "period": "week", "most": 500},
]
DISCOUNTS: list[dict[str, Any]] = [
    {"kind": "amount", "amount_minor": 500},
    {"kind": "percentage", "bps": 2_500},
    {"kind": "buy_get", "buy": 1, "get": 1},
    {"kind": "lines", "needs_covered_line": True},
    {"kind": "lines", "needs_covered_line": False},
]

#: Who is in the audience of a campaign that has one.
ALL, NONE = "all", "none"

#: What each term usually is, and what else it may be.
USUAL: dict[str, Any] = {"ends_at": NOW + timedelta(days=30), "audience": None, "limit_per_customer": None}
VARIED: dict[str, list[Any]] = {
    "currency": ["EUR"],
    "skus": [["tea"], ["milk"]],
    "min_spend_minor": [1_000, 1_001],
    "rule": RULES,
    "schedule": [OPEN, CLOSED],
    "holdout_bps": [5_000, 10_000],
    "limit_total": [1, 2],
    "limit_per_customer": [1],
    "limits": [(LIMITS[0],), (LIMITS[1],), (LIMITS[2],), tuple(LIMITS)],
    "budget_minor": [499, 500, 999],
    "audience": [ALL, NONE],
    "ends_at": [NOW, NOW + timedelta(microseconds=1)],
}


@st.composite
def some_terms(draw: st.DrawFn) -> dict[str, Any]:
    """A campaign with a few of the conditions that there are, so that many coupons can be used and many cannot."""
    varied = draw(st.lists(st.sampled_from(sorted(VARIED)), max_size=3, unique=True))
    return {
        **USUAL,
        "discount": draw(st.sampled_from(DISCOUNTS)),
        **{name: draw(st.sampled_from(VARIED[name])) for name in varied},
    }


LINES = st.lists(
    st.builds(
        lambda sku, quantity, amount, coupon: line(amount, sku=sku, quantity=quantity, coupon_minor=coupon),
        st.sampled_from(["milk", "tea"]),
        st.sampled_from(["1", "2"]),
        st.sampled_from([0, 1, 499, 500, 1_000, 2_000]),
        st.sampled_from([0, 300]),
    ),
    min_size=1,
    max_size=3,
)


@dataclass(frozen=True)
class Scene:
    world: World
    campaign_id: UUID
    customer: UUID
    basket: Basket

    @property
    def asked(self) -> Asked:
        return Asked(basket=self.basket, currency="USD", at=NOW, customer_id=self.customer, till=self.world.till)

    def offered(self, voucher_id: UUID | None) -> int | None:
        """What qualification says that it takes off; None: it is not offered."""
        with transaction() as session:
            found = qualifying.offers(connection_of(session), self.asked)
        made = [offer for offer in found.offers if offer.terms.campaign_id == self.campaign_id]
        assert all([own.id for own in offer.vouchers] == ([voucher_id] if voucher_id else []) for offer in made)
        return made[0].worth_minor if made else None

    def valid(self, reference: UUID | str) -> int | None:
        shown = Shown((reference,), self.customer, self.basket, self.world.till, "USD", NOW)
        with transaction() as session:
            found = checking.validate(session, shown)
        return None if found.refusal else sum([use.amount_minor for use in found.uses])

    def redeemed(self, reference: UUID | str) -> int | None:
        request = Request(
            till=self.world.till,
            reference=reference,
            basket=self.basket,
            currency="USD",
            till_reference=str(ids.new()),
            customer_id=self.customer,
        )
        with transaction() as session:
            nested = session.begin_nested()
            try:
                made = redeeming.redeem(connection_of(session), request, at=NOW)
                assert isinstance(made, Redemption)
                return made.amount_minor
            except Refusal:
                return None
            finally:
                nested.rollback()

    def taken(self, reference: UUID | str, *, best: bool = False) -> int | None:
        vouchers: Any = "best" if best else (reference,)
        with transaction() as session:
            nested = session.begin_nested()
            try:
                request = self.world.checkout(self.customer, basket=self.basket, vouchers=vouchers)
                made = checkouts.take(session, request, now=NOW)
                return made.discount_minor if made.redemptions else None
            except Refusal:
                return None
            finally:
                nested.rollback()

    def checked(self, voucher_id: UUID | None) -> int | None:
        with transaction() as session:
            if voucher_id is None:
                found = checking.check(session, self.campaign_id, self.asked)
            else:
                found = checking.check_own(session, voucher_id, self.asked)
        return found.worth_minor if found.reason.is_met else None

    def simulated(self) -> int | None:
        """As if this were the past, with what was used until now."""
        with transaction() as session:
            connection = connection_of(session)
            of = terms.load_one(session, self.campaign_id)
            [compiled] = catalogue.compile_(connection, [of])
            facts = self.asked.facts
            load_many(connection, {"audiences", *(compiled.rule.needs if compiled.rule else ())}, [facts])
            available = funds.available(connection, [of.budget_account])[of.budget_account]
            query = "SELECT campaign_id, scope, measure, bucket, used FROM rewards.counter WHERE campaign_id = %s"
            used = {tuple(row[:4]): row[4] for row in connection.execute(query, [self.campaign_id])}
        case, missed = weigh(compiled, Visit(facts, facts.audiences or frozenset(), asks_dates=False))
        purse = Purse(available, Uses())
        purse._used = used  # type: ignore[assignment]
        return None if missed or purse.take(case, today=LOCAL.date()) else case.worth


def scene(
    world: World, given_terms: dict[str, Any], basket: Basket, *, used: int, has_own: bool = False
) -> tuple[Scene, Voucher]:
    """A campaign of which so many uses were made, a customer who asks, and the code for all of it, or in its place a
    coupon of the customer's own."""
    asked = dict(given_terms)
    ends_at = asked.pop("ends_at")
    customer, other = world.customer(100_000), world.customer(100_000)
    audience = {None: None, ALL: [customer, other], NONE: [other]}[asked.pop("audience")]
    campaign_id = world.campaign(**asked, audience=audience)
    code = world.voucher(campaign_id, None)
    own = world.voucher(campaign_id, customer) if has_own else code
    for _ in range(used):
        with transaction() as session:
            nested = session.begin_nested()
            try:
                shopping = world.checkout(other, line(2_000), line(2_000, sku="tea"), vouchers=(code.code,))
                checkouts.take(session, replace(shopping, currency=asked.get("currency", "USD")), now=NOW)
            except Refusal:
                nested.rollback()
    with transaction() as session:  # once codes were given and used
        query = "UPDATE rewards.campaign SET ends_at = %s WHERE id = %s"
        connection_of(session).execute(query, [ends_at, campaign_id])
        query = "UPDATE rewards.voucher SET state = 'blocked' WHERE id = %s AND id <> %s"
        connection_of(session).execute(query, [code.id, own.id])
        catalogue.touch(session, [campaign_id])
    return Scene(world, campaign_id, customer, basket), own


examples = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@examples
@given(some_terms(), LINES, st.integers(0, 2))
def test_code_for_all_is_judged_alike_by_all_who_ask(
    world: World, given_terms: dict[str, Any], lines: list[Any], used: int
) -> None:
    asking, voucher = scene(world, given_terms, Basket(tuple(lines)), used=used)
    code = voucher.code

    answers = {
        "valid": asking.valid(code),
        "redeemed": asking.redeemed(code),
        "taken": asking.taken(code),
        "checked": asking.checked(None),
    }

    assert len(set(answers.values())) == 1, answers
    # An offer of nothing is none; that a price list may come to nothing is for tills.
    worth = answers["valid"] or None
    assert asking.offered(None) == worth
    is_over = given_terms["ends_at"] <= NOW
    assert is_over or asking.simulated() == worth


@examples
@given(
    some_terms(),
    LINES,
    st.integers(0, 1),
    st.sampled_from([NOW + timedelta(days=1), NOW + timedelta(microseconds=1), NOW]),
)
def test_customers_own_coupon_is_judged_alike_by_all_who_ask(
    world: World, given_terms: dict[str, Any], lines: list[Any], used: int, expires_at: datetime
) -> None:
    asked = given_terms | {"holdout_bps": 0, "audience": None}
    asking, own = scene(world, asked, Basket(tuple(lines)), used=used, has_own=True)
    with transaction() as session:
        query = "UPDATE rewards.voucher SET expires_at = %s WHERE id = %s"
        connection_of(session).execute(query, [expires_at, own.id])
        # Whom it is meant for was asked when it was given.
        query = "UPDATE rewards.campaign SET holdout_bps = %s WHERE id = %s"
        connection_of(session).execute(query, [given_terms.get("holdout_bps", 0), asking.campaign_id])

    answers = {
        "valid": asking.valid(own.id),
        "by code": asking.valid(own.code),
        "redeemed": asking.redeemed(own.id),
        "taken": asking.taken(own.id),
        "checked": asking.checked(own.id),
    }

    assert len(set(answers.values())) == 1, answers
    assert asking.taken(own.id, best=True) == (answers["valid"] or None)
    assert asking.offered(own.id) == (answers["valid"] or None)
