"""Who pays whom in the measurements: customers with more than they can spend, and merchants."""

import hashlib
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from auth import customers, merchants
from auth.customers import SignUp
from bench.turns import SECONDS, Done, together
from core import clock, ids
from core.db import Connection, connection_of, transaction
from core.events import readers
from wallet import accounts, ledger, reactions
from wallet.accounts import Opening
from wallet.ledger import Transfer

CUSTOMERS, MERCHANTS, CURRENCY = 10_000, 100, "USD"
AMOUNT = 5
_PLENTY = 10**9
_A_CHUNK = 500


@dataclass(frozen=True, slots=True)
class People:
    customers: Sequence[UUID]
    merchants: Sequence[UUID]
    cash: Sequence[Opening]
    payable: Sequence[Opening]

    def random_payment(self) -> Transfer:
        """Between any two of the customers' accounts."""
        payer, payee = random.sample(self.cash, 2)
        return payment(payer, payee)

    def payment_at_hot_merchant(self) -> Transfer:
        """From any customer to one and the same merchant."""
        return payment(random.choice(self.cash), self.payable[0])


def sign_up() -> People:
    """Customers as the sign-in makes them, with the wallets that follow, and merchants; each account is open."""
    now = clock.now()
    phones = [f"+1415{2_000_000 + number}" for number in range(CUSTOMERS)]
    found: list[UUID] = []
    for start in range(0, CUSTOMERS, _A_CHUNK):
        rows = [SignUp(phone=phone) for phone in phones[start : start + _A_CHUNK]]
        with transaction() as session:
            found += customers.sign_up_all(session, rows, now=now)
    readers.register(reactions.READERS)
    for reader in reactions.READERS:
        while readers.run_batch(reader, now=now):
            pass

    with transaction() as session:
        shops = [merchants.add_merchant(session, name=f"Shop {number}", now=now).id for number in range(MERCHANTS)]
    people = People(
        found,
        shops,
        [accounts.of_customer(customer_id, CURRENCY) for customer_id in found],
        [accounts.of_merchant(merchant_id, CURRENCY) for merchant_id in shops],
    )
    with transaction() as session:
        accounts.open_all(session, [accounts.of_provider(CURRENCY), *people.cash, *people.payable])
    for start in range(0, CUSTOMERS, _A_CHUNK):
        with transaction() as session:
            given = [_gift(cash) for cash in people.cash[start : start + _A_CHUNK]]
            ledger.post_all(connection_of(session), given)
    return people


def payment(payer: Opening, payee: Opening) -> Transfer:
    """A transfer with a key, a fingerprint and details, as a customer's payment has them."""
    key = str(ids.new())
    return Transfer(
        id=ids.new(),
        principal=payer.owner,
        key=key,
        fingerprint=hashlib.sha256(key.encode()).digest(),
        kind="payment",
        legs=(payer.leg(-AMOUNT), payee.leg(AMOUNT)),
        effective_at=clock.now(),
        details={
            "customer_id": payer.owner.removeprefix("customer:"),
            "merchant_id": payee.owner.removeprefix("merchant:"),
            "amount_minor": AMOUNT,
            "currency": CURRENCY,
        },
    )


def posting(
    make: Callable[[], Transfer], url: str, *, threads: int, size: int = 1, a_second: int = 6_000
) -> Callable[[], Done]:
    """A turn of posting, one at a time or `size` together. The transfers are made before it begins: a caller's keys and
    hashes are not the posting's, as pgbench's random numbers are not the database's. What lacks is made meanwhile."""

    def turn() -> Done:
        ready = deque(make() for _ in range(round(SECONDS * a_second)))

        def taken() -> Transfer:
            return ready.pop() if ready else make()

        def post(connection: Connection) -> int:
            if size == 1:
                ledger.post(connection, taken())
            else:
                ledger.post_all(connection, [taken() for _ in range(size)])
            return size

        return together(url, post, threads=threads)

    return turn


def _gift(cash: Opening) -> Transfer:
    return Transfer(
        id=ids.new(),
        principal="bench",
        key=str(cash.id),
        fingerprint=b"",
        kind="topup",
        legs=(accounts.of_provider(CURRENCY).leg(-_PLENTY), cash.leg(_PLENTY)),
        effective_at=clock.now(),
    )
