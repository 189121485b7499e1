"""Whether posting stays as quick when the tables are full: the same transfers on a full and on an empty ledger."""

import os

from bench.database import fresh
from bench.figures import Figure
from bench.turns import connected, in_turns, settle
from bench.wallet import people, stuffing
from bench.wallet.people import posting

ENTRIES = 10_000_000 if os.environ.get("FULL") else 2_000_000
CLIENTS = 8


def row() -> Figure:
    """FULL=1 fills 10 million entries, which takes a few minutes; 2 million are enough to see a slope."""
    with fresh() as settings:
        everyone = people.sign_up()
        with stuffing.copy_of(settings.database_url) as full:
            with connected(full) as connection:
                stuffing.fill(connection, everyone.cash, transfers=ENTRIES // 2)
            for database in (full, settings.database_url):
                settle(database)
            seen = in_turns(
                full,
                {
                    "full": posting(everyone.random_payment, full, threads=CLIENTS),
                    "empty": posting(everyone.random_payment, settings.database_url, threads=CLIENTS),
                },
                # After a checkpoint each page is written to the log whole when it is first touched.
                warm_ups=1,
            )
    more = {"ours": seen["full"].more, "theirs": seen["empty"].more}
    name = f"wallet.flat, {ENTRIES // 1_000_000} M entries"
    return Figure(name, seen["full"].rate, "1/s", "the same with none", seen["empty"].rate, more)
