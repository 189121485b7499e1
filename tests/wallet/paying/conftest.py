"""A shop with a till, and customers who hold cash, promotional value, points and gift cards."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app import wiring
from auth import merchants
from core import crypto, ids
from core.db import connection_of, transaction
from core.settings import Settings
from rewards import campaigns, vouchers
from rewards.campaigns import Draft
from rewards.vouchers import Issue
from tests.wallet.conftest import NOW
from wallet import accounts, answers, checks, ledger, lots, refunds
from wallet.accounts import Opening
from wallet.paying import app_payments, codes, requests, reversals, till_payments
from wallet.paying.app_payments import AppPayment
from wallet.paying.models import PaymentRequest
from wallet.paying.requests import Asked
from wallet.paying.reversals import Reversal
from wallet.paying.splits import Kind, Source
from wallet.paying.till_payments import TillPayment
from wallet.paying.tills import Till
from wallet.transfers import Leg, LotMove, Posted, Transfer


@dataclass(frozen=True)
class Shop:
    """Short words for arranging and asking; each opens its own transaction."""

    till: Till

    def customer(self, cash: int = 0, promotional: int = 0, points: int = 0) -> UUID:
        customer_id = ids.new()
        with transaction() as session:
            crypto.create_data_keys(session, [customer_id])
            accounts.open_all(session, [accounts.of_customer(customer_id, "USD")])
        if cash:
            self.fill(accounts.of_customer(customer_id, "USD"), cash)
        if promotional:
            self.give(accounts.promotional(customer_id, "USD"), promotional)
        if points:
            self.give(accounts.points(customer_id), points)
        return customer_id

    def fill(self, account: Opening, amount: int) -> None:
        provider = accounts.of_provider(account.asset)
        self._post([account, provider], [provider.leg(-amount), account.leg(amount)])

    def give(self, account: Opening, amount: int, *, expires_at: datetime | None = None) -> UUID:
        """A lot of promotional value or points; its id."""
        brand = accounts.of_brand("loyalty", account.asset)
        leg, move = lots.give(account, amount, source="promotion", expires_at=expires_at)
        self._post([account, brand], [brand.leg(-amount), leg], [move])
        return move.lot_id

    def gift_card(self, customer_id: UUID, value: int, *, days: int | None = None, at: datetime = NOW) -> UUID:
        draft = Draft(
            name="A gift", kind="gift_card", discount={"kind": "value", "amount_minor": value}, currency="USD",
            starts_at=at - timedelta(days=1), ends_at=at + timedelta(days=30), budget_minor=value, starts_now=True,
            voucher_days=days,
        )  # fmt: skip
        with transaction() as session:
            campaign_id = campaigns.create(session, draft, actor="staff:test", now=at)
        with transaction() as session:
            given = Issue(campaign_id=campaign_id, customer_id=customer_id, source=f"test:{ids.new()}")
            return vouchers.issue(session, given, now=at).id

    def take(
        self, customer_id: UUID, amount: int = 1000, *, reference: str | None = None, till: Till | None = None,
        at: datetime = NOW, tip: int = 0, order: tuple[Kind, ...] | None = None, currency: str = "USD",
    ) -> Posted:  # fmt: skip
        with transaction() as session:
            return till_payments.take(
                session,
                TillPayment(
                    till=till or self.till, customer_id=customer_id, amount_minor=amount, currency=currency,
                    till_reference=reference or str(ids.new()), tip_minor=tip, order=order, at=at,
                ),
            )  # fmt: skip

    def ask(self, amount: int = 1000, *, reference: str | None = None, **more: Any) -> PaymentRequest:
        given = {"tip_allowed": False, "currency": "USD", "expires_at": NOW + timedelta(minutes=15)} | more
        with transaction() as session:
            asked = Asked(till=self.till, till_reference=reference or str(ids.new()), amount_minor=amount, **given)
            return requests.create(session, asked, now=NOW)

    def code_of(self, request: PaymentRequest) -> str:
        with transaction() as session:
            return codes.of_request(session, request)

    def store_code(self) -> str:
        with transaction() as session:
            return codes.of_store(session, self.till)

    def pay(self, customer_id: UUID, *sources: Source, key: str | None = None, **more: Any) -> Posted:
        with transaction() as session:
            given: dict[str, Any] = {"at": NOW, "fingerprint": b"same"} | more
            return app_payments.pay(
                session,
                AppPayment(
                    principal=f"customer:{customer_id}", key=key or str(ids.new()), customer_id=customer_id,
                    sources=sources or None, **given,
                ),
            )  # fmt: skip

    def reverse(self, reference: str, *, at: datetime = NOW, till: Till | None = None) -> Reversal:
        with transaction() as session:
            return reversals.reverse(session, till or self.till, reference, at=at)

    def refund(self, payment_id: UUID, amount: int | None = None) -> Posted:
        with transaction() as session:
            return refunds.refund(
                session, principal="test", key=str(ids.new()), fingerprint=b"", payment_id=payment_id,
                merchant_id=self.till.merchant_id, amount_minor=amount, at=NOW,
            )  # fmt: skip

    def held(self, customer_id: UUID) -> dict[str, int]:
        """What a customer has, by kind."""
        rows = self.rows(
            """SELECT purpose, posted FROM wallet.account a JOIN wallet.balance b ON b.account_id = a.id
                WHERE owner = %s""",
            f"customer:{customer_id}",
        )
        cards = self.rows(
            """SELECT coalesce(sum(posted), 0) FROM rewards.voucher v
                 JOIN wallet.account a ON a.owner = 'voucher:' || v.id
                 JOIN wallet.balance b ON b.account_id = a.id WHERE v.customer_id = %s""",
            customer_id,
        )
        return {str(purpose): int(posted) for purpose, posted in rows} | {"gift_card": int(cards[0][0])}

    @property
    def owed(self) -> int:
        return int(
            self.rows(
                """SELECT coalesce(sum(posted), 0) FROM wallet.account a JOIN wallet.balance b ON b.account_id = a.id
                    WHERE owner = %s""",
                f"merchant:{self.till.merchant_id}",
            )[0][0]
        )

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with transaction() as session:
            return connection_of(session).execute(query, list(values)).fetchall()

    def events(self, name: str) -> list[dict[str, Any]]:
        return [row[0] for row in self.rows("SELECT payload FROM core.event WHERE name = %s ORDER BY seq", name)]

    def check(self) -> None:
        """Every balance, part and lot is what the entries say."""
        with transaction() as session:
            assert checks.first_difference(connection_of(session)) is None

    def _post(self, openings: list[Opening], legs: list[Leg], moves: list[LotMove] | None = None) -> None:
        made = ids.new()
        with transaction() as session:
            accounts.open_all(session, openings)
            ledger.post(
                connection_of(session),
                Transfer(
                    id=made, principal="test", key=str(made), fingerprint=made.bytes, kind="topup", legs=legs,
                    lots=moves or (), effective_at=NOW,
                ),
            )  # fmt: skip


@pytest.fixture
def shop(database: None, settings: Settings) -> Iterator[Shop]:
    with transaction() as session:
        merchant_id = merchants.add_merchant(session, name="Corner Shop", now=NOW).id
        store_id = merchants.add_store(session, merchant_id=merchant_id, name="Main Street", now=NOW).id
    answers.register(wiring.answers(settings))
    yield Shop(Till(merchant_id=merchant_id, store_id=store_id, terminal_id=ids.new()))
    answers.register(answers.Answers())
