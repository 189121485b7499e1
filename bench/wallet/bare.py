"""The bare database: the least that double entry needs, one statement a transfer or a batch (SQL in bench/pgbench)."""

import random
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from bench.turns import SECONDS, Done, connected
from core.db import Connection
from core.postgres import embedded

SQL = Path(__file__).parent.parent / "pgbench"
ACCOUNTS = 10_000


def prepare(url: str) -> None:
    with connected(url) as connection:
        connection.execute((SQL / "schema.sql").read_bytes())


def single(url: str, *, clients: int) -> Done:
    """pgbench's own count of transfers, its connecting left out."""
    command = [
        *(str(embedded.BINARIES / "pgbench"), "--no-vacuum", "--protocol=prepared", f"--client={clients}"),
        *("--jobs=2", f"--time={max(1, round(SECONDS))}", f"--file={SQL / 'transfer.sql'}", url),
    ]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    count = re.search(r"^number of transactions actually processed: (\d+)", told, re.MULTILINE)
    rate = re.search(r"^tps = ([\d.]+)", told, re.MULTILINE)
    if count is None or rate is None:
        raise SystemExit(f"pgbench told no rate: {told}")
    return Done(int(count[1]), int(count[1]) / float(rate[1]))


def batches_of(size: int) -> Callable[[Connection], int]:
    statement = (SQL / "batch.sql").read_bytes()

    def post(connection: Connection) -> int:
        pairs = [random.sample(range(1, ACCOUNTS + 1), 2) for _ in range(size)]
        connection.execute(statement, [[pair[0] for pair in pairs], [pair[1] for pair in pairs], [5] * size])
        return size

    return post
