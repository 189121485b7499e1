"""A ledger as full as a year would leave it: entries by the million, months of partitions, balances that add up."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
from sqlalchemy import make_url

from core import db
from core.db import Connection
from wallet.accounts import Opening

_MONTHS = 12


@contextmanager
def copy_of(url: str) -> Iterator[str]:
    """A second database like this one, dropped afterwards. Closes what `core.db` has open, since nobody may look on
    while a database is copied."""
    db.close_database()
    source = make_url(url)
    copy = source.set(database=f"{source.database}_full")
    with psycopg.connect(source.set(database="postgres").render_as_string(hide_password=False), autocommit=True) as at:
        at.execute(f'CREATE DATABASE "{copy.database}" TEMPLATE "{source.database}"')
        try:
            yield copy.render_as_string(hide_password=False)
        finally:
            at.execute(f'DROP DATABASE "{copy.database}" WITH (FORCE)')


def fill(connection: Connection, accounts: Sequence[Opening], *, transfers: int) -> None:
    """Transfers of one minor unit from the first half of the accounts to the second, spread evenly over a year.

    effects  two entries a transfer, written past the posting function but just as it writes them
    """
    half = len(accounts) // 2
    connection.execute("SELECT core.ensure_month_partitions(now() - make_interval(months => %s), %s)", [_MONTHS] * 2)
    # What only the posting function sets: the guards let these rows pass.
    connection.execute("SET wallet.posting = 'on'")
    connection.execute(_TABLES)
    with connection.cursor().copy("COPY pair FROM STDIN") as rows:
        for place in range(half):
            rows.write_row((place, accounts[place].id, accounts[half + place].id, accounts[place].owner))
    connection.execute("ANALYZE pair")
    connection.execute(_MADE, {"transfers": transfers, "half": half})
    for statement in (_TRANSFERS, _ENTRIES, _BALANCES):
        connection.execute(statement)
    connection.execute("DROP TABLE made; DROP TABLE pair; SET wallet.posting = 'off'")


_TABLES = """
    CREATE TEMPORARY TABLE pair (place int, payer uuid, payee uuid, payer_name text);
    CREATE TEMPORARY TABLE made (id uuid, at timestamptz, payer uuid, payee uuid, payer_name text, nth bigint)
"""

# `nth`: the how manieth transfer of its pair it is. The id is a UUIDv7 of its instant.
_MADE = """
    INSERT INTO made
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(digits, 1, 3) || '8'
            || substr(digits, 4, 15))::uuid AS id,
           at, payer, payee, payer_name, number / half + 1
      FROM (SELECT number, md5(number::text) AS digits,
                   now() - interval '1 hour' - (%(transfers)s - number) * (interval '364 days' / %(transfers)s) AS at
              FROM generate_series(0, %(transfers)s - 1) AS number) AS numbered,
           (SELECT %(half)s AS half) AS halves, pair
     WHERE pair.place = number %% half
     ORDER BY at
"""

_TRANSFERS = """
    INSERT INTO wallet.transfer (id, principal, key, fingerprint, kind, details, effective_at, recorded_at)
    SELECT id, payer_name, gen_random_uuid()::text, sha256(uuid_send(id)), 'payment',
           jsonb_build_object('customer_id', payer_name, 'merchant_id', payee, 'amount_minor', 1, 'currency', 'USD'),
           at, at
      FROM made
"""

_ENTRIES = """
    INSERT INTO wallet.entry
           (transfer_id, account_id, shard, version, amount, balance_after, effective_at, recorded_at)
    SELECT m.id, b.account_id, 0, b.version + m.nth, leg.amount, b.posted + leg.amount * m.nth, m.at, m.at
      FROM made m
     CROSS JOIN LATERAL (VALUES (m.payer, -1), (m.payee, 1)) AS leg (account_id, amount)
      JOIN wallet.balance b ON b.account_id = leg.account_id AND b.shard = 0
"""

_BALANCES = """
    UPDATE wallet.balance b SET posted = b.posted + leg.amount * leg.count, version = b.version + leg.count
      FROM (SELECT payer AS account_id, -1 AS amount, count(*) FROM made GROUP BY payer
            UNION ALL SELECT payee, 1, count(*) FROM made GROUP BY payee) AS leg
     WHERE b.account_id = leg.account_id AND b.shard = 0
"""
