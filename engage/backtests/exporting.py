"""Who would have got what, as a CSV that streams: a year of a big brand's customers is never held at once."""

from collections.abc import Iterator
from uuid import UUID

from core.db import transaction
from engage.backtests import asking
from wallet.documents import csv

HEADER = ("customer_id", "entries", "messages", "vouchers", "outcome")

_AT_ONCE = 5_000


def parts(backtest_id: UUID) -> Iterator[bytes]:
    """The file, a page of customers at a time, each read in a transaction of its own. An entry point."""
    yield csv.table(HEADER, [])
    after: UUID | None = None
    while True:
        with transaction() as session:
            rows = asking.customers(session, backtest_id, after=after, limit=_AT_ONCE)
            told = [
                (str(one.customer_id), str(one.entries), str(one.messages), str(one.vouchers), csv.words(one.outcome))
                for one in rows
            ]
        if told:
            yield csv.lines(told)
        if len(rows) < _AT_ONCE:
            return
        after = rows[-1].customer_id
