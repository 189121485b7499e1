"""pgledger (pure SQL, github.com/pgr0ss/pgledger), installed from a file that the caller names, never from ours."""

import random
from collections.abc import Callable
from pathlib import Path

from bench.turns import connected
from bench.wallet.people import AMOUNT, CUSTOMERS
from core.db import Connection

BESIDE = "pgledger_create_transfer, same threads and driver"

#: Where a checkout with its submodules keeps the function that pgledger's ids are written by.
_ULID = Path("vendor/scoville-pgsql-ulid/uuid-to-ulid.sql")

# Where that is absent: ids that sort the same, and cost less to write than theirs.
_STAND_IN = """
    CREATE FUNCTION uuid_to_ulid(id uuid) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT upper(replace(id::text, '-', '')) $$
"""


def transfers(url: str, script: str) -> Callable[[Connection], int]:
    """Install it with as many accounts as we have customers; what comes back makes one transfer a call."""
    source = Path(script)
    if not source.is_file():
        raise SystemExit(f"PGLEDGER: there is no file {script}")
    ulid = source.parent / _ULID
    with connected(url) as connection:
        connection.execute(ulid.read_bytes() if ulid.is_file() else _STAND_IN)
        connection.execute(source.read_bytes())
        made = connection.execute(
            "SELECT a.id FROM generate_series(1, %s) n, pgledger_create_account('bench ' || n, 'USD') a", [CUSTOMERS]
        )
        accounts = [row[0] for row in made]

    def transfer(connection: Connection) -> int:
        payer, payee = random.sample(accounts, 2)
        # The amount as text, since its type has changed between pgledger's versions.
        connection.execute("SELECT id FROM pgledger_create_transfer(%s, %s, %s)", [payer, payee, str(AMOUNT)])
        return 1

    return transfer
