"""A funded campaign, a customer with money, a till: what most tests of rewards begin with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from core import crypto, ids
from core.db import connection_of, transaction
from rewards import campaigns, vouchers
from rewards.baskets import Basket, Line
from rewards.campaigns import Draft
from rewards.checkouts import CheckoutRequest
from rewards.vouchers import Issue, Voucher
from wallet import accounts, balances, ledger
from wallet.ledger import Leg, Transfer
from wallet.paying.tills import Till

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


@dataclass(frozen=True)
class World:
    """Short words for arranging and asking; each opens its own transaction."""

    till: Till

    def campaign(self, **changes: object) -> UUID:
        given: dict[str, object] = {
            "name": "Five off",
            "kind": "coupon",
            "discount": {"kind": "amount", "amount_minor": 500},
            "currency": "USD",
            "starts_at": NOW - timedelta(days=1),
            "ends_at": NOW + timedelta(days=30),
            "budget_minor": 100_000,
            "starts_now": True,
        } | changes
        audience = given.pop("audience", None)
        with transaction() as session:
            return campaigns.create(session, Draft(**given), audience=audience, actor="staff:test", now=NOW)

    def gift_campaign(self, value_minor: int = 2_000, **changes: object) -> UUID:
        gift = {"kind": "gift_card", "discount": {"kind": "value", "amount_minor": value_minor}}
        return self.campaign(**(gift | changes))

    def customer(self, cash_minor: int = 10_000) -> UUID:
        customer_id = ids.new()
        with transaction() as session:
            crypto.create_data_keys(session, [customer_id])
            fill(session, customer_id, cash_minor)
        return customer_id

    def voucher(self, campaign_id: UUID, customer_id: UUID | None, **changes: object) -> Voucher:
        given = {"source": f"test:{ids.new()}"} | changes
        with transaction() as session:
            return vouchers.issue(session, Issue(campaign_id=campaign_id, customer_id=customer_id, **given), now=NOW)

    def checkout(self, customer_id: UUID, *lines: Line, **changes: object) -> CheckoutRequest:
        given = {
            "customer_id": customer_id,
            "till": self.till,
            "basket": Basket(lines or (line(),)),
            "currency": "USD",
            "till_reference": str(ids.new()),
        } | changes
        return CheckoutRequest(**given)

    def balance(self, owner: str, purpose: str) -> int:
        with transaction() as session:
            return sum(each.available for each in balances.of(session, owner) if each.purpose == purpose)

    def cash(self, customer_id: UUID) -> int:
        return self.balance(f"customer:{customer_id}", "cash")

    def budget(self, campaign_id: UUID) -> int:
        return self.balance(f"campaign:{campaign_id}", "budget")

    def gift(self, voucher: Voucher) -> int:
        return self.balance(f"voucher:{voucher.id}", "gift")

    @property
    def payable(self) -> int:
        return self.balance(f"merchant:{self.till.merchant_id}", "payable")

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        with transaction() as session:
            return connection_of(session).execute(query, list(values)).fetchall()

    def events(self, name: str) -> list[dict[str, object]]:
        return [row[0] for row in self.rows("SELECT payload FROM core.event WHERE name = %s ORDER BY seq", name)]


def line(amount_minor: int = 2_000, **changes: object) -> Line:
    return Line(**({"sku": "milk", "category": "DAIRY", "quantity": "1", "amount_minor": amount_minor} | changes))


def fill(session: Session, customer_id: UUID, cash_minor: int) -> None:
    """Put money into a wallet as the payment provider would."""
    cash, provider = accounts.of_customer(customer_id, "USD"), accounts.of_provider("USD")
    accounts.open_all(session, [cash, provider])
    if cash_minor:
        made = ids.new()
        ledger.post(
            connection_of(session),
            Transfer(
                id=made,
                principal="test",
                key=str(made),
                fingerprint=made.bytes,
                kind="topup",
                legs=(Leg(provider.id, -cash_minor), Leg(cash.id, cash_minor)),
                effective_at=NOW,
            ),
        )


@pytest.fixture
def world(database: None) -> World:
    till = Till(merchant_id=ids.new(), store_id=ids.new(), terminal_id=ids.new())
    with transaction() as session:
        accounts.open_all(session, [accounts.of_merchant(till.merchant_id, "USD")])
    return World(till)


@pytest.fixture
def refused() -> Callable[[object, type], None]:
    """Assert that an outcome of a batch is this refusal."""

    def check(outcome: object, kind: type) -> None:
        assert type(outcome) is kind, outcome

    return check
