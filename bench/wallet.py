"""The wallet's rates beside the bare database: payments one by one and in batches, beside pgbench's one statement.

The bare statement is the least that double entry needs. Ours also keeps idempotency, order, parts and the event log.
"""

import random
import re
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from uuid import UUID

import psycopg

from bench.database import fresh
from bench.figures import Figure
from core import clock, db, ids
from core.postgres import embedded
from wallet import accounts, ledger, payments
from wallet.ledger import Leg, Transfer
from wallet.payments import Payment

CLIENTS, SECONDS, ROUNDS = 8, 4, 3
CUSTOMERS, MERCHANTS, BATCH = 9_900, 100, 200
SQL = Path(__file__).parent / "pgbench"


@dataclass(frozen=True, slots=True)
class People:
    customers: list[UUID]
    merchants: list[UUID]


def measure() -> list[Figure]:
    """Ours and theirs in turns on one fresh database, the medians of three rounds."""
    single, batch, bare = [], [], []
    with fresh() as settings:
        with psycopg.connect(settings.database_url, autocommit=True) as connection:
            connection.execute((SQL / "schema.sql").read_text())
        people = _open_accounts()
        for _ in range(ROUNDS):
            bare.append(_pgbench(settings.database_url))
            single.append(_pay_for_a_while(people, 1))
            batch.append(_pay_for_a_while(people, BATCH))
    beside, theirs = "pgbench, one statement a transfer", median(bare)
    return [
        Figure("wallet.payment", median(single), "1/s", beside, theirs),
        Figure(f"wallet.payments of {BATCH}", median(batch), "1/s", beside, theirs),
    ]


def _open_accounts() -> People:
    """Customers with more than they can spend, and merchants to spend it at."""
    people = People([ids.new() for _ in range(CUSTOMERS)], [ids.new() for _ in range(MERCHANTS)])
    provider = accounts.of_provider("USD")
    cash = [accounts.of_customer(customer_id, "USD") for customer_id in people.customers]
    with db.statement() as connection:
        accounts.open_all(connection, [provider, *cash, *(accounts.of_merchant(m, "USD") for m in people.merchants)])
        for start in range(0, CUSTOMERS, 500):
            given = [_gift(provider.id, account.id) for account in cash[start : start + 500]]
            ledger.post_all(connection, given)
    return people


def _gift(provider: UUID, cash: UUID) -> Transfer:
    return Transfer(
        id=ids.new(),
        principal="bench",
        key=str(cash),
        fingerprint=b"",
        kind="topup",
        legs=(Leg(provider, -(10**9)), Leg(cash, 10**9)),
        effective_at=clock.now(),
    )


def _pay_for_a_while(people: People, batch: int) -> float:
    """Payments a second with CLIENTS at it, `batch` of them a statement."""
    done = [0] * CLIENTS
    started = time.perf_counter()

    def follow(number: int) -> None:
        with db.statement() as connection:
            while time.perf_counter() - started < SECONDS:
                if batch == 1:
                    payments.pay(connection, _payment(people))
                else:
                    payments.pay_all(connection, [_payment(people) for _ in range(batch)])
                done[number] += batch

    threads = [threading.Thread(target=follow, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return round(sum(done) / (time.perf_counter() - started), 1)


def _payment(people: People) -> Payment:
    customer_id = random.choice(people.customers)
    return Payment(
        principal=f"customer:{customer_id}",
        key=str(ids.new()),
        fingerprint=b"",
        customer_id=customer_id,
        merchant_id=random.choice(people.merchants),
        amount_minor=5,
        currency="USD",
        at=clock.now(),
    )


def _pgbench(url: str) -> float:
    command = [
        *(str(embedded.BINARIES / "pgbench"), "--no-vacuum", "--protocol=prepared", f"--client={CLIENTS}"),
        *("--jobs=2", f"--time={SECONDS}", f"--file={SQL / 'transfer.sql'}", url),
    ]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"^tps = ([\d.]+)", output, re.MULTILINE)
    if found is None:
        raise SystemExit(f"pgbench told no rate: {output}")
    return float(found[1])
