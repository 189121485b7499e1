"""The ledger as a home of keys: a customer's payment keeps its key on its own transfer, and asks no other table for it.

So every other deed of a customer takes its key here as well, as a declined transfer that only keeps it: the ledger's
UNIQUE (principal, key) then decides which of two requests under one key was first (decision 26). What tills and staff
do asks the kept answers itself.
"""

from datetime import datetime

from core import ids
from core.db import Connection
from core.idempotency import Home, KeyReused
from wallet import ledger
from wallet.transfers import Transfer

KIND = "key"


def take(connection: Connection, principal: str, key: str, fingerprint: bytes, now: datetime) -> None:
    """Take a customer's key, unless this very request has it already.

    raises   KeyReused
    effects  waits for who is posting under the key
    """
    if not principal.startswith("customer:"):
        return
    keeper = Transfer(
        id=ids.new(), principal=principal, key=key, fingerprint=fingerprint, kind=KIND, legs=(), effective_at=now
    )
    if ledger.decline(connection, keeper, KeyReused()):
        return
    # A statement of its own, since the one before could not see the row that it met.
    row = connection.execute(_FOUND, {"principal": principal, "key": key}).fetchone()
    if row is None or row[0] != fingerprint:
        raise KeyReused


_FOUND = "SELECT fingerprint FROM wallet.transfer WHERE principal = %(principal)s AND key = %(key)s"

HOME = Home(found=_FOUND, take=take)
