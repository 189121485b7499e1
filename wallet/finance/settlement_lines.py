"""A settlement's lines: the payments, refunds and adjustments that it took, each with its fee."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.db import Connection, connection_of, transaction
from wallet.finance.settlement_rows import Closed
from wallet.finance.settlement_sums import KIND, PAYMENT_KINDS

#: One statement reads so many, and a transaction no more: a reader who is slow to take them holds nothing up.
_PAGE = 2_000


@dataclass(frozen=True, slots=True)
class Line:
    """is_a: payment, refund or adjustment.

    units  amount (of a payment with its tip), tip and fee in minor units of the settlement's currency
    """

    transfer_id: UUID
    is_a: str
    kind: str
    payment_id: UUID | None
    store_id: str | None
    reference: str | None
    amount: int
    tip: int
    fee: int
    effective_at: datetime


def each(closed: Closed) -> Iterator[Line]:
    """All lines in the order of their transfers, read in pages, a transaction each: what is settled does not change."""
    after: UUID | None = None
    while True:
        with transaction() as session:
            page = read(connection_of(session), closed, after=after, limit=_PAGE)
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1].transfer_id


def read(connection: Connection, closed: Closed, *, after: UUID | None, limit: int) -> list[Line]:
    """The lines after a transfer's, or the first ones."""
    row = closed.row
    values = {
        "account": row.account_id,
        "merchant": row.merchant_id,
        "currency": row.currency,
        "after": after,
        "first": after or row.first_transfer_id,
        "last": row.last_transfer_id,
        "shards": [cut.shard for cut in closed.cuts],
        "afters": [cut.after or 0 for cut in closed.cuts],
        "tos": [cut.to for cut in closed.cuts],
        "kind": KIND,
        "payment_kinds": PAYMENT_KINDS,
        "limit": limit,
    }
    return [Line(*found) for found in connection.execute(_LINES, values)]


# The fee is reckoned as the settlement did: `settlement_sums` says how, and a test that both come to the same.
_LINES = """
    WITH taken AS MATERIALIZED (
        SELECT e.transfer_id, e.amount, e.effective_at, t.kind, t.parent_id, t.details,
               least(coalesce((t.details ->> 'tip_minor')::bigint, 0), e.amount) AS tip,
               CASE WHEN t.parent_id IS NULL AND e.amount > 0 AND t.kind = ANY (%(payment_kinds)s) THEN 'payment'
                    WHEN t.parent_id IS NOT NULL AND e.amount < 0 THEN 'refund'
                    ELSE 'adjustment' END AS is_a
          FROM wallet.entry e
          JOIN wallet.transfer t ON t.id = e.transfer_id AND t.kind <> %(kind)s
          JOIN unnest(%(shards)s::smallint[], %(afters)s::bigint[], %(tos)s::bigint[]) AS c (shard, after, upto)
            ON c.shard = e.shard AND e.version > c.after AND e.version <= c.upto
         WHERE e.account_id = %(account)s AND e.transfer_id BETWEEN %(first)s AND %(last)s
           AND (%(after)s::uuid IS NULL OR e.transfer_id > %(after)s)
         ORDER BY e.transfer_id
         LIMIT %(limit)s
    ), terms AS (
        SELECT fee_bps, fee_fixed_minor, effective_at AS since,
               lead(effective_at) OVER (ORDER BY effective_at) AS until
          FROM wallet.merchant_terms WHERE merchant_id = %(merchant)s AND currency = %(currency)s
    ), charged AS (
        SELECT t.*, coalesce(m.fee_fixed_minor, 0) AS fixed,
               coalesce(div((t.amount - t.tip)::numeric * m.fee_bps, 10000), 0) AS whole,
               coalesce(mod((t.amount - t.tip)::numeric * m.fee_bps, 10000), 0) AS rest
          FROM taken t LEFT JOIN terms m
            ON t.is_a = 'payment' AND t.effective_at >= m.since AND (m.until IS NULL OR t.effective_at < m.until)
    )
    SELECT transfer_id, is_a, kind, parent_id, details ->> 'store_id', details ->> 'reference', amount,
           CASE WHEN is_a = 'payment' THEN tip ELSE 0 END,
           (whole + CASE WHEN rest > 5000 OR (rest = 5000 AND mod(whole, 2) = 1) THEN 1 ELSE 0 END + fixed)::bigint,
           effective_at
      FROM charged
     ORDER BY transfer_id
"""
