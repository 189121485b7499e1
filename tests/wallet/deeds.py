"""Deeds: the wallet's public functions over a handful of customers, as data that can be done, and done again."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from psycopg import Connection

from auth import customers
from core import ids
from core.db import connection_of, statement, transaction
from core.gateways.sandbox_payments import SandboxPayments
from tests.wallet.conftest import NOW
from wallet import accounts, holds, ledger, limits, lots, payments, refunds, standing, topups
from wallet.accounts import Opening
from wallet.holds import Capturing, Placing
from wallet.ledger import Leg, Limit, Transfer
from wallet.lots import lapsing
from wallet.payments import Payment
from wallet.peers import giving, sendings
from wallet.peers.invitations import Brand
from wallet.peers.models import Sending
from wallet.peers.sendings import NewSending
from wallet.topups import TopupRequest

LASTS = timedelta(days=30)
BRAND = Brand("Corner", "https://corner.example")
PRINCIPAL = "deeds"


@dataclass(frozen=True)
class Deed:
    """What is asked, under a key: done again, it is the same deed."""

    name: str
    values: dict[str, Any]
    key: str = field(default_factory=lambda: str(ids.new()))
    fingerprint: bytes = b"same"

    @property
    def changed(self) -> "Deed":
        """The same key with another body."""
        return replace(self, fingerprint=b"another")


class Deeds:
    """Customers with telephones, merchants, and what they do; people are named by their place."""

    def __init__(self, connection: Connection, *, people: int, merchants: int) -> None:
        self.phones = [f"+1212{ids.new().int % 10**7:07d}" for _ in range(people)]
        with transaction() as session:
            signed_up = [
                customers.sign_up(session, phone=phone, locale=None, time_zone=None, now=NOW) for phone in self.phones
            ]
        self.customers = [each.id for each in signed_up]
        self.merchants = [ids.new() for _ in range(merchants)]
        accounts.open_all(connection, [*map(self.cash, range(people)), *map(self.promotional, range(people))])
        accounts.open_all(connection, [*map(self.payable, range(merchants)), *self.brands])

    @property
    def brands(self) -> list[Opening]:
        return [accounts.of_provider("USD"), *(accounts.of_brand(name, "USD") for name in ("loyalty", "breakage"))]

    def cash(self, who: int) -> Opening:
        return accounts.of_customer(self.customers[who], "USD")

    def promotional(self, who: int) -> Opening:
        return accounts.promotional(self.customers[who], "USD")

    def payable(self, merchant: int) -> Opening:
        return accounts.of_merchant(self.merchants[merchant], "USD")

    def do(self, deed: Deed, *, now: datetime) -> UUID | list[UUID]:
        """The id of what stands under the deed's key.

        raises  a Refusal
        """
        keyed = {"principal": PRINCIPAL, "key": deed.key, "fingerprint": deed.fingerprint}
        return cast(UUID | list[UUID], getattr(self, deed.name)(keyed, now, **deed.values))

    def top_up(self, keyed: Any, now: datetime, *, who: int, amount: int) -> UUID:
        request = TopupRequest(
            **keyed, customer_id=self.customers[who], amount_minor=amount, currency="USD", source="sandbox_ok"
        )
        return topups.take(request, gateway=SandboxPayments(), now=now).topup.id

    def gift(self, keyed: Any, now: datetime, *, who: int, amount: int, days: int | None) -> UUID:
        until = None if days is None else now + timedelta(days=days)
        leg, move = lots.give(self.promotional(who), amount, source="promotion", expires_at=until)
        legs = (accounts.of_brand("loyalty", "USD").leg(-amount), leg)
        return self._post(keyed, now, "promotion", legs, lots=(move,))

    def pay(self, keyed: Any, now: datetime, *, who: int, merchant: int, amount: int) -> UUID:
        with statement() as connection:
            return payments.pay(connection, self._payment(keyed, now, who, merchant, amount)).transfer_id

    def pay_mixed(self, keyed: Any, now: datetime, *, who: int, merchant: int, given: int, cash: int) -> UUID:
        with transaction() as session:
            connection = connection_of(session)
            done = ledger.find(connection, **keyed)
            if done is not None:
                return done.transfer_id
            promotional = self.promotional(who)
            payment = replace(
                self._payment(keyed, now, who, merchant, given + cash),
                sources=(promotional.leg(-given), self.cash(who).leg(-cash)),
                lots=lots.take(connection, promotional.id, given, at=now),
            )
            return ledger.post(connection, payments.transfer_of(payment)).transfer_id

    def refund(self, keyed: Any, now: datetime, *, payment: UUID, merchant: int, amount: int) -> UUID:
        with transaction() as session:
            return refunds.refund(
                session, **keyed, payment_id=payment, merchant_id=self.merchants[merchant], amount_minor=amount, at=now
            ).transfer_id

    def hold(
        self, keyed: Any, now: datetime, *, who: int, merchant: int, given: int, cash: int, minutes: int
    ) -> UUID:  # fmt: skip
        sources = [(self.promotional(who), given), (self.cash(who), cash)]
        counted = Limit(customer_id=self.customers[who], scope="pay", asset="USD", amount=cash)
        placing = Placing(
            **keyed, kind="payment", customer_id=self.customers[who], merchant_id=self.merchants[merchant],
            sources=[source for source in sources if source[1]], currency="USD",
            expires_at=now + timedelta(minutes=minutes), at=now, details={"terminal_id": str(ids.new())},
            limits=[counted] if cash else [],
        )  # fmt: skip
        with transaction() as session:
            return holds.place(session, placing).transfer_id

    def capture(
        self, keyed: Any, now: datetime, *, hold: UUID, merchant: int, amount: int, is_final: bool
    ) -> UUID:  # fmt: skip
        capturing = Capturing(
            **keyed, kind="payment", amount=amount, is_final=is_final, to=self.payable(merchant), at=now,
            details={"merchant_id": str(self.merchants[merchant])},
        )  # fmt: skip
        with transaction() as session:
            return holds.capture(session, hold, capturing).transfer_id

    def void(self, keyed: Any, now: datetime, *, hold: UUID) -> UUID:
        with transaction() as session:
            return holds.void(session, hold, **keyed, at=now).transfer_id

    def send(self, keyed: Any, now: datetime, *, who: int, to: int | None, amount: int) -> UUID:
        """By telephone number, at once; to nobody: by a link, to whoever claims it."""
        phone = None if to is None else self.phones[to]
        sending = NewSending(
            **keyed, sender_id=self.customers[who], phone=phone, amount_minor=amount, currency="USD", brand=BRAND
        )
        with transaction() as session:
            return sendings.send(session, sending, now=now).id

    def claim(self, _: Any, now: datetime, *, sending: UUID, who: int) -> UUID:
        with transaction() as session:
            found = giving.locked(session, Sending.id == sending)
            assert found
            return giving.claim(session, found, self.customers[who], now=now).id

    def batch(self, keyed: Any, now: datetime, *, moves: list[tuple[int, int, int]]) -> list[UUID]:
        """Cash from whom to whom, all or none."""
        transfers = [
            Transfer(
                id=ids.new(), kind="test", effective_at=now, **(keyed | {"key": f"{keyed['key']}:{place}"}),
                legs=(self.cash(giver).leg(-amount), self.cash(taker).leg(amount)),
            )
            for place, (giver, taker, amount) in enumerate(moves)
        ]  # fmt: skip
        with transaction() as session:
            return [posted.transfer_id for posted in ledger.post_all(connection_of(session), transfers)]

    def freeze(self, who: int) -> None:
        with transaction() as session:
            standing.freeze(session, self.cash(who).owner)

    def unfreeze(self, who: int) -> None:
        with transaction() as session:
            standing.unfreeze(session, self.cash(who).owner)

    def end_due(self, now: datetime) -> None:
        """Holds end and lots lapse whose time has passed."""
        with transaction() as session:
            while holds.expire_due(session, now=now):
                session.commit()
        while lapsing.lapse_due(now):
            pass

    def limit(self, each: int | None, day: int | None) -> None:
        with transaction() as session:
            measures = {"per_transfer": each, "per_day": day}
            limits.set_rule(session, tier="basic", scope="pay", asset="USD", measures=measures, now=NOW)

    def _payment(self, keyed: Any, now: datetime, who: int, merchant: int, amount: int) -> Payment:
        return Payment(
            **keyed, customer_id=self.customers[who], merchant_id=self.merchants[merchant], amount_minor=amount,
            currency="USD", at=now,
        )  # fmt: skip

    def _post(self, keyed: Any, now: datetime, kind: str, legs: tuple[Leg, ...], **more: Any) -> UUID:
        with transaction() as session:
            transfer = Transfer(id=ids.new(), kind=kind, legs=legs, effective_at=now, **keyed, **more)
            return ledger.post(connection_of(session), transfer).transfer_id
