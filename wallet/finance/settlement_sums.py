"""What a settlement takes: the cut through a merchant's account, and what stands before it. It only reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core.db import Connection

#: The kinds of transfer by which a merchant earns; whatever else moves their account is an adjustment.
PAYMENT_KINDS = ["payment", "redemption", "offline_loss"]

#: The settlements' own fees and payouts.
KIND = "settlement"

_BEGINNING = UUID(int=0)

#: Ids of transfers are made in their order but for what a slow transaction held back; never so long.
_SLACK = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Cut:
    """The versions of a shard that are taken: after `after` (None: from the first), up to and including `to`."""

    shard: int
    after: int | None
    to: int


@dataclass(frozen=True, slots=True)
class Taken:
    """All shards' cuts, and the span of ids in which their entries lie."""

    cuts: Sequence[Cut]
    first_transfer_id: UUID
    last_transfer_id: UUID


@dataclass(frozen=True, slots=True)
class Sums:
    """units  minor units; gross without tips, refunds and fees above zero, adjustments with their sign"""

    payment_count: int
    refund_count: int
    gross: int
    tips: int
    refunds: int
    adjustments: int
    fees: int


@dataclass(frozen=True, slots=True)
class Funding:
    """Who paid, and got back, how much. source: "customers", "coupons" …; funder: the campaign's owner, or empty."""

    source: str
    funder: str
    paid: int
    refunded: int


def cut(connection: Connection, account_id: UUID, *, until: datetime, closed_before: datetime | None) -> Taken | None:
    """Where the account is cut: in each shard before the first entry of `until` or later. None: nothing to settle.

    What is posted later with an earlier business time falls into the next settlement, so every entry is taken once.
    An entry is seen only after all before it in its shard, since each waited for the lock of the one before.
    closed_before  when the settlement before this one was closed, to look no further back than needed
    """
    since = _BEGINNING
    if closed_before is not None:
        row = connection.execute("SELECT core.uuidv7_floor(%s)", [closed_before - _SLACK]).fetchone()
        since = row[0] if row else _BEGINNING
    rows = connection.execute(_CUT, {"account": account_id, "until": until, "since": since, "kind": KIND}).fetchall()
    if any(found != last - (after or 0) for _, after, _, last, found, *_ in rows):
        # One of them is older than the slack: the count, against the shard's version, has told it.
        values = {"account": account_id, "until": until, "since": _BEGINNING, "kind": KIND}
        rows = connection.execute(_CUT, values).fetchall()
    taken = [row for row in rows if row[5]]
    if not any(row[6] for row in taken):
        return None
    return Taken(
        cuts=[Cut(shard, after, to) for shard, after, to, *_ in taken],
        first_transfer_id=min(row[7] for row in taken),
        last_transfer_id=max(row[8] for row in taken),
    )


def sums(connection: Connection, account_id: UUID, merchant_id: UUID, currency: str, taken: Taken) -> Sums:
    """What the taken entries sum to, with each payment's fee by the terms of its time."""
    values = {**_values(account_id, taken), "merchant": merchant_id, "currency": currency}
    row = connection.execute(_ENTRIES + _SUMS, values).fetchone()
    assert row, "sums always have a row"
    return Sums(*row)


def fundings(connection: Connection, account_id: UUID, currency: str, taken: Taken) -> list[Funding]:
    """Who paid the taken payments and got the taken refunds: the other entries of their transfers."""
    values = {**_values(account_id, taken), "currency": currency}
    return [Funding(*row) for row in connection.execute(_ENTRIES + _FUNDINGS, values)]


def _values(account_id: UUID, taken: Taken) -> dict[str, object]:
    return {
        "account": account_id,
        "first": taken.first_transfer_id,
        "last": taken.last_transfer_id,
        "shards": [each.shard for each in taken.cuts],
        "afters": [each.after or 0 for each in taken.cuts],
        "tos": [each.to for each in taken.cuts],
        "kind": KIND,
        "payment_kinds": PAYMENT_KINDS,
    }


# For each shard with something open: its cut, how many entries were found of how many there are, what is before it.
# As texts, since PostgreSQL finds the least uuid only from 18 on.
_CUT = """
    WITH shard AS (
        SELECT b.shard, b.version AS last, max(c.to_version) AS after
          FROM wallet.balance b
          LEFT JOIN wallet.settlement_cut c ON c.account_id = b.account_id AND c.shard = b.shard
         WHERE b.account_id = %(account)s
         GROUP BY b.shard, b.version
    ), open AS MATERIALIZED (
        SELECT e.shard, e.version, e.transfer_id, e.effective_at, t.kind <> %(kind)s AS counts
          FROM wallet.entry e
          JOIN wallet.transfer t ON t.id = e.transfer_id
          JOIN shard s ON s.shard = e.shard
         WHERE e.account_id = %(account)s AND e.transfer_id >= %(since)s AND e.version > coalesce(s.after, 0)
    ), stop AS (
        SELECT s.shard, s.after, s.last, count(o.version) AS found,
               coalesce(min(o.version) FILTER (WHERE o.counts AND o.effective_at >= %(until)s) - 1, s.last) AS upto
          FROM shard s LEFT JOIN open o USING (shard)
         WHERE s.last > coalesce(s.after, 0)
         GROUP BY s.shard, s.after, s.last
    )
    SELECT s.shard, s.after, s.upto, s.last, s.found, s.upto > coalesce(s.after, 0) AS is_taken,
           count(*) FILTER (WHERE o.counts AND o.version <= s.upto),
           (min(o.transfer_id::text) FILTER (WHERE o.version <= s.upto))::uuid,
           (max(o.transfer_id::text) FILTER (WHERE o.version <= s.upto))::uuid
      FROM stop s LEFT JOIN open o USING (shard)
     GROUP BY s.shard, s.after, s.upto, s.last, s.found
     ORDER BY s.shard
"""

# What an entry is: "payment", "refund" or "adjustment"; the settlements' own are left out.
_ENTRIES = """
    WITH taken AS MATERIALIZED (
        SELECT e.transfer_id, e.amount, e.effective_at,
               least(coalesce((t.details ->> 'tip_minor')::bigint, 0), e.amount) AS tip,
               CASE WHEN t.parent_id IS NULL AND e.amount > 0 AND t.kind = ANY (%(payment_kinds)s) THEN 'payment'
                    WHEN t.parent_id IS NOT NULL AND e.amount < 0 THEN 'refund'
                    ELSE 'adjustment' END AS is_a
          FROM wallet.entry e
          JOIN wallet.transfer t ON t.id = e.transfer_id AND t.kind <> %(kind)s
          JOIN unnest(%(shards)s::smallint[], %(afters)s::bigint[], %(tos)s::bigint[]) AS c (shard, after, upto)
            ON c.shard = e.shard AND e.version > c.after AND e.version <= c.upto
         WHERE e.account_id = %(account)s AND e.transfer_id BETWEEN %(first)s AND %(last)s
    )
"""

# A share rounded half to even, in numbers that do not overflow.
_SUMS = """
    , terms AS (
        SELECT fee_bps, fee_fixed_minor, effective_at AS since,
               lead(effective_at) OVER (ORDER BY effective_at) AS until
          FROM wallet.merchant_terms WHERE merchant_id = %(merchant)s AND currency = %(currency)s
    ), charged AS (
        SELECT t.*, m.fee_fixed_minor, div((t.amount - t.tip)::numeric * m.fee_bps, 10000) AS whole,
               mod((t.amount - t.tip)::numeric * m.fee_bps, 10000) AS rest
          FROM taken t LEFT JOIN terms m
            ON t.is_a = 'payment' AND t.effective_at >= m.since AND (m.until IS NULL OR t.effective_at < m.until)
    )
    SELECT count(*) FILTER (WHERE is_a = 'payment')::int, count(*) FILTER (WHERE is_a = 'refund')::int,
           coalesce(sum(amount - tip) FILTER (WHERE is_a = 'payment'), 0)::bigint,
           coalesce(sum(tip) FILTER (WHERE is_a = 'payment'), 0)::bigint,
           coalesce(-sum(amount) FILTER (WHERE is_a = 'refund'), 0)::bigint,
           coalesce(sum(amount) FILTER (WHERE is_a = 'adjustment'), 0)::bigint,
           coalesce(sum(whole + CASE WHEN rest > 5000 OR (rest = 5000 AND mod(whole, 2) = 1) THEN 1 ELSE 0 END
                        + fee_fixed_minor), 0)::bigint
      FROM charged
"""

_FUNDINGS = """
    SELECT CASE a.purpose WHEN 'cash' THEN 'customers' WHEN 'gift' THEN 'gift_cards' WHEN 'budget' THEN 'coupons'
                WHEN 'promotional' THEN 'promotional' WHEN 'loyalty' THEN 'points'
                WHEN 'offline_losses' THEN 'offline_losses' ELSE 'other' END AS source,
           CASE WHEN a.owner LIKE 'campaign:%%' THEN a.owner ELSE '' END AS funder,
           coalesce(-sum(x.amount) FILTER (WHERE t.is_a = 'payment'), 0)::bigint,
           coalesce(sum(x.amount) FILTER (WHERE t.is_a = 'refund'), 0)::bigint
      FROM taken t
      JOIN wallet.entry x ON x.transfer_id = t.transfer_id AND x.account_id <> %(account)s
      JOIN wallet.account a ON a.id = x.account_id AND a.asset = %(currency)s
     WHERE t.is_a IN ('payment', 'refund')
     GROUP BY source, funder
     ORDER BY source, funder
"""
