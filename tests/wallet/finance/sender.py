"""Sends a batch, to be killed amid it: `python -m tests.wallet.finance.sender DATABASE_URL MODE CUSTOMER…`."""

import sys
from uuid import UUID

from core import clock, db
from core.settings import Settings
from wallet.finance import batch_posting, batches, lines
from wallet.finance.batches import Batch

#: Small, so that there are many points to be killed at.
CHUNK = 10


def batch_of(customers: list[str], mode: str) -> Batch:
    raw = [
        {
            "reference": str(number),
            "kind": "credit_points",
            "customer_id": customer,
            "amount": {"amount_minor": 7, "currency": "PTS"},
        }
        for number, customer in enumerate(customers)
    ]
    return Batch(principal="staff:ada", key="k", fingerprint=b"f", content=b"c", mode=mode, lines=lines.read(raw))


def main(database_url: str, mode: str, *customers: str) -> None:
    db.open_database(Settings(environment="test", database_url=database_url))
    batch_posting.CHUNK = CHUNK
    batches.run(batch_of([str(UUID(customer)) for customer in customers], mode), now=clock.now())


if __name__ == "__main__":
    main(*sys.argv[1:])
