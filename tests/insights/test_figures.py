"""The brand's figures, from the log and the ledger."""

from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from auth import merchants
from core import db, ids
from insights import figures
from insights.figures import Ledger, Sales, Summary
from tests.insights.log import a_customer, at, order, play, track
from wallet import accounts, ledger, payments, refunds
from wallet.accounts import Opening
from wallet.ledger import Leg, Transfer
from wallet.payments import Payment

pytestmark = pytest.mark.usefixtures("database")

NEW_YORK = ZoneInfo("America/New_York")
HOUR_BEFORE, HOUR_AFTER = at(-60), at(60)


def summary(*, since: datetime = HOUR_BEFORE, until: datetime = HOUR_AFTER, currency: str = "USD") -> Summary:
    with db.transaction() as session:
        return figures.summary(session, currency=currency, since=since, until=until, time_zone=NEW_YORK)


def test_nothing_yet_is_zero_everywhere() -> None:
    found = summary()

    assert found.sales == Sales(0, 0, 0, 0, 0, 0)
    assert (found.days, found.ledger) == ([], Ledger(0, 0, 0, 0, 0))
    assert found.funnel == {"discovery": 0, "consideration": 0, "purchase": 0, "retention": 0}


def test_orders_count_from_since_up_to_until() -> None:
    customer_id = a_customer()
    play(*[order(customer_id, total_minor=2**n, minutes=minutes) for n, minutes in enumerate((-61, -60, 59, 60))])

    assert summary().sales == Sales(
        orders=2, customers=1, sales_minor=6, by_coupons_minor=0, by_gift_cards_minor=0, by_wallets_minor=6
    )


def test_orders_of_another_currency_are_another_summary() -> None:
    customer_id = a_customer()
    play(order(customer_id, total_minor=5, currency="GBP"), order(customer_id, total_minor=7))

    assert (summary().sales.sales_minor, summary(currency="GBP").sales.sales_minor) == (7, 5)


def test_days_are_the_brands_own() -> None:
    first, second = a_customer(), a_customer("+12125550143")
    midnight = datetime(2026, 11, 20, 0, tzinfo=NEW_YORK)
    minutes = [int((midnight - at(0)).total_seconds()) // 60 + offset for offset in (-1, 0, 1)]
    play(*[order(person, minutes=minute) for person, minute in zip((first, first, second), minutes, strict=True)])

    found = summary(since=midnight - timedelta(days=1), until=midnight + timedelta(days=1))

    assert [(day, sales.orders, sales.customers) for day, sales in found.days] == [
        (date(2026, 11, 19), 1, 1),
        (date(2026, 11, 20), 2, 2),
    ]
    assert found.sales.customers == 2


def test_funnel_counts_customers_by_phase() -> None:
    people = [a_customer(f"+121255501{n:02d}") for n in range(4)]
    play(
        track(people[0]),
        track(people[1], event="Product Viewed"),
        order(people[2]),
        order(people[3]),
        order(people[3]),
    )

    assert summary().funnel == {"discovery": 1, "consideration": 1, "purchase": 1, "retention": 1}


def test_ledger_tells_who_paid_the_merchants_less_what_went_back() -> None:
    customer_id = a_customer()
    merchant_id, payment_id = _paid_by_wallet_and_budget(customer_id, cash=700, budget=300)

    assert summary().ledger == Ledger(1_000, wallets_minor=700, budgets_minor=300, gift_cards_minor=0, others_minor=0)

    with db.transaction() as session:
        refunds.refund(
            session,
            principal="terminal:1",
            key="refund",
            fingerprint=b"r",
            payment_id=payment_id,
            merchant_id=merchant_id,
            amount_minor=800,
            at=at(1),
        )
    found = summary().ledger
    assert found.payable_minor == found.wallets_minor + found.budgets_minor == 200
    assert summary(since=at(2)).ledger == Ledger(0, 0, 0, 0, 0)


def _paid_by_wallet_and_budget(customer_id: UUID, *, cash: int, budget: int) -> tuple[UUID, UUID]:
    """A payment out of a customer's cash and a campaign's budget, both of which were filled first."""
    wallet = accounts.of_customer(customer_id, "USD")
    campaign = Opening(f"campaign:{ids.new()}", "budget", "USD", 0)
    marketing = accounts.of_marketing("USD")
    with db.transaction() as session:
        merchant_id = merchants.add_merchant(session, name="Acme", now=at(-1)).id
        payable = accounts.of_merchant(merchant_id, "USD")
        accounts.open_all(session, [wallet, campaign, marketing, payable])
        filled = [Leg(wallet.id, cash), Leg(campaign.id, budget), Leg(marketing.id, -cash - budget)]
        connection = db.connection_of(session)
        ledger.post(
            connection,
            Transfer(
                id=ids.new(),
                principal="test",
                key="fill",
                fingerprint=b"f",
                kind="fill",
                legs=filled,
                effective_at=at(0),
            ),
        )
    payment = Payment(
        principal="terminal:1",
        key="pay",
        fingerprint=b"p",
        customer_id=customer_id,
        merchant_id=merchant_id,
        amount_minor=cash + budget,
        currency="USD",
        sources=(Leg(wallet.id, -cash), Leg(campaign.id, -budget)),
        at=at(0),
    )
    with db.transaction() as session:
        payments.pay(db.connection_of(session), payment)
    return merchant_id, payment.id


def test_orders_are_found_by_their_time_without_a_walk_over_the_log() -> None:
    window = {"currency": "USD", "since": HOUR_BEFORE, "until": HOUR_AFTER, "zone": NEW_YORK.key}
    with db.transaction() as session:
        connection = db.connection_of(session)
        # In an empty log any plan is cheap: this asks whether there is one through an index.
        connection.execute("SET LOCAL enable_seqscan = off")
        plan = "\n".join(row[0] for row in connection.execute("EXPLAIN " + figures._SALES, window).fetchall())

    assert "Seq Scan" not in plan
    assert plan.count("Index Cond: ((occurred_at >= ") == plan.count("Filter: ((payload ->> 'currency'")
