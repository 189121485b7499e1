"""One generic code with a cap at eight tills at once, beside the same call under pgbench: both wait for one counter."""

import re
import subprocess
from collections import deque
from functools import partial

from bench.database import fresh
from bench.figures import Figure
from bench.rewards import world
from bench.rewards.world import CURRENCY, Generic
from bench.turns import SECONDS, Done, connected, in_turns, settle, together
from bench.wallet.bare import SQL
from core import clock
from core.db import Connection
from core.postgres import embedded
from rewards import terms
from rewards.redemption import redeeming
from wallet import accounts
from wallet.paying.tills import Till

CLIENTS = 8
_A_SECOND = 6_000


def measure() -> list[Figure]:
    with fresh() as settings:
        url = settings.database_url
        [till], [hot] = world.tills(), world.generics(1)
        settle(url)
        seen = in_turns(url, {"pgbench": partial(_pgbench, url, till, hot), "ours": partial(_ours, url, till, hot)})
        _check_exact(url, hot)
    ours, theirs = seen["ours"], seen["pgbench"]
    beside = "the same call under pgbench"
    more = {"ours": ours.more, "theirs": theirs.more}
    return [Figure("rewards.contended", ours.rate, "1/s", beside, theirs.rate, more)]


def _ours(url: str, till: Till, hot: Generic) -> Done:
    """Look-up, decision and call; the requests are made before it begins."""
    ready = deque(world.request(till, hot.code) for _ in range(round(SECONDS * _A_SECOND)))

    def one(connection: Connection) -> int:
        redeeming.redeem(connection, ready.pop() if ready else world.request(till, hot.code), at=clock.now())
        return 1

    return together(url, one, threads=CLIENTS)


def _pgbench(url: str, till: Till, hot: Generic) -> Done:
    budget = accounts.id_of(terms.owner_of(hot.campaign_id), "budget", CURRENCY)
    first, second = sorted([budget, accounts.of_merchant(till.merchant_id, CURRENCY).id])
    named: dict[str, object] = {
        "voucher": hot.voucher_id,
        "campaign": hot.campaign_id,
        "merchant": till.merchant_id,
        "store": till.store_id,
        "terminal": till.terminal_id,
        "first": first,
        "second": second,
        "budget_first": int(first == budget),
    }
    command = [
        *(str(embedded.BINARIES / "pgbench"), "--no-vacuum", "--protocol=prepared", f"--client={CLIENTS}"),
        *("--jobs=2", f"--time={max(1, round(SECONDS))}", f"--file={SQL / 'redeem.sql'}"),
        *[f"--define={name}={value}" for name, value in named.items()],
        url,
    ]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    count = re.search(r"^number of transactions actually processed: (\d+)", told, re.MULTILINE)
    rate = re.search(r"^tps = ([\d.]+)", told, re.MULTILINE)
    if count is None or rate is None:
        raise SystemExit(f"pgbench told no rate: {told}")
    return Done(int(count[1]), int(count[1]) / float(rate[1]))


def _check_exact(url: str, hot: Generic) -> None:
    """raises  SystemExit unless the counter is what was redeemed"""
    with connected(url) as connection:
        row = connection.execute(
            """
            SELECT (SELECT used FROM rewards.counter WHERE campaign_id = %s),
                   (SELECT count(*) FROM rewards.redemption WHERE campaign_id = %s)
            """,
            [hot.campaign_id, hot.campaign_id],
        ).fetchone()
    if row is None or row[0] != row[1]:
        raise SystemExit(f"bench: the counter and the redemptions differ: {row}")
