"""The wallet's rates, each beside what it should be measured by, on the same server in the same run.

The bare statement is the least that double entry needs; ours also keeps idempotency, order, parts, guards and the log.
"""

import os
from collections.abc import Callable
from functools import partial

from bench.database import fresh
from bench.figures import Figure
from bench.turns import Done, in_turns, settle, together
from bench.wallet import bare, flat, http, people, pgledger
from bench.wallet.people import People, posting

CLIENTS = 8
BATCH = 1_000
PGBENCH = "pgbench, one statement a transfer"


def measure() -> list[Figure]:
    """Every row; BENCH_SECONDS, BENCH_ROUNDS, FULL=1 and PGLEDGER=… say how long, how much and beside what."""
    with fresh() as settings:
        url = settings.database_url
        bare.prepare(url)
        everyone = people.sign_up()
        settle(url)
        rows = [*_one_by_one(url, everyone), _in_batches(url, everyone), *http.rows(url, everyone)]
    return [*rows, flat.row()]


def _one_by_one(url: str, everyone: People) -> list[Figure]:
    """Through our posting function, beside pgbench, beside itself with a hot merchant, and beside pgledger."""
    script = os.environ.get("PGLEDGER")
    works: dict[str, Callable[[], Done]] = {
        "bare": partial(bare.single, url, clients=CLIENTS),
        "ours": posting(everyone.random_payment, url, threads=CLIENTS),
        "hot": posting(everyone.payment_at_hot_merchant, url, threads=CLIENTS),
    }
    if script:
        transfer = pgledger.transfers(url, script)
        works["pgledger"] = partial(together, url, transfer, threads=CLIENTS)
    seen = in_turns(url, works)
    ours, hot, least = seen["ours"], seen["hot"], seen["bare"]

    beside = f"the same with {people.CUSTOMERS:,} random accounts"
    rows = [
        Figure("wallet.in_process", ours.rate, "1/s", PGBENCH, least.rate, {"ours": ours.more, "theirs": least.more}),
        Figure("wallet.hot", hot.rate, "1/s", beside, ours.rate, {"ours": hot.more, "theirs": ours.more}),
    ]
    if "pgledger" in seen:
        more = {"ours": ours.more, "theirs": seen["pgledger"].more}
        rows.append(Figure("wallet.pgledger", ours.rate, "1/s", pgledger.BESIDE, seen["pgledger"].rate, more))
    else:
        print("wallet.pgledger is left out: PGLEDGER=/path/to/pgledger.sql names what to measure beside")
    return rows


def _in_batches(url: str, everyone: People) -> Figure:
    seen = in_turns(
        url,
        {
            "bare": lambda: together(url, bare.batches_of(BATCH), threads=CLIENTS),
            "ours": posting(everyone.random_payment, url, threads=CLIENTS, size=BATCH, a_second=25_000),
        },
    )
    more = {"ours": seen["ours"].more, "theirs": seen["bare"].more}
    beside = f"one statement by hand for {BATCH:,} transfers"
    return Figure("wallet.batch", seen["ours"].rate, "transfers/s", beside, seen["bare"].rate, more)
