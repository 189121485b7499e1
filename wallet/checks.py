"""The ledger's own audit: everything that is kept twice is derived again from the entries and compared."""

from dataclasses import dataclass

from core.db import Connection


@dataclass(frozen=True, slots=True)
class Counted:
    accounts: int
    transfers: int
    entries: int


def first_difference(connection: Connection) -> str | None:
    """The first thing that does not add up, in one line that names it; None when the ledger is balanced.

    Run it in a REPEATABLE READ transaction where others may be posting.
    """
    for question in QUESTIONS:
        row = connection.execute(question).fetchone()
        if row is not None:
            return str(row[0])
    return None


def count(connection: Connection) -> Counted:
    """How much `first_difference` looks at; transfers: those that moved value."""
    row = connection.execute(
        "SELECT (SELECT count(*) FROM wallet.account),"
        " (SELECT count(*) FROM wallet.transfer WHERE state = 'posted'),"
        " (SELECT count(*) FROM wallet.entry)"
    ).fetchone()
    assert row, "counts always have a row"
    return Counted(*row)


_HISTORIES = """
    SELECT format('account %s: the entry of transfer %s has balance %s after version %s, its history gives %s at %s',
                  account_id, transfer_id, balance_after, version, running, place)
      FROM (SELECT e.*, sum(amount) OVER so_far AS running, row_number() OVER so_far AS place
              FROM wallet.entry e WINDOW so_far AS (PARTITION BY account_id, shard ORDER BY version)) h
     WHERE balance_after <> running OR version <> place
     ORDER BY account_id, shard, version LIMIT 1
"""

_BALANCES = """
    SELECT format('account %s (%s %s %s): balance %s at version %s, its entries give %s at %s',
                  coalesce(b.account_id, e.account_id), a.owner, a.purpose, a.asset,
                  b.posted, b.version, coalesce(e.amount, 0), coalesce(e.entries, 0))
      FROM wallet.balance b
      FULL JOIN (SELECT account_id, shard, sum(amount) AS amount, count(*) AS entries
                   FROM wallet.entry GROUP BY 1, 2) e
             ON e.account_id = b.account_id AND e.shard = b.shard
      LEFT JOIN wallet.account a ON a.id = coalesce(b.account_id, e.account_id)
     WHERE b.account_id IS NULL OR a.id IS NULL
        OR b.posted <> coalesce(e.amount, 0) OR b.version <> coalesce(e.entries, 0)
        OR b.floor IS DISTINCT FROM a.floor OR b.has_lots <> a.has_lots OR b.shard >= a.shards
     ORDER BY coalesce(b.account_id, e.account_id) LIMIT 1
"""

_TRANSFERS = """
    SELECT format('transfer %s sums to %s %s, not to zero', e.transfer_id, sum(e.amount), a.asset)
      FROM wallet.entry e JOIN wallet.account a ON a.id = e.account_id
     GROUP BY e.transfer_id, a.asset HAVING sum(e.amount) <> 0
     ORDER BY e.transfer_id LIMIT 1
"""

_ORPHANS = """
    SELECT format('an entry on account %s belongs to no posted transfer (%s)', e.account_id, e.transfer_id)
      FROM wallet.entry e LEFT JOIN wallet.transfer t ON t.id = e.transfer_id AND t.state = 'posted'
     WHERE t.id IS NULL
     ORDER BY e.transfer_id LIMIT 1
"""

# A difference of sets, since for an anti-join with a LIMIT the planner may read all entries anew for each transfer.
_EMPTY = """
    SELECT format('transfer %s is posted and has no entries', id)
      FROM (SELECT id FROM wallet.transfer WHERE state = 'posted' AND kind NOT IN ('hold', 'void')
            EXCEPT SELECT transfer_id FROM wallet.entry) t
     ORDER BY id LIMIT 1
"""

_PARTS = """
    SELECT format('transfer %s took %s from account %s, its part says %s',
                  coalesce(p.transfer_id, e.transfer_id), -coalesce(e.amount, 0),
                  coalesce(p.account_id, e.account_id), coalesce(p.amount, 0))
      FROM (SELECT e.transfer_id, e.account_id, e.amount
              FROM wallet.entry e JOIN wallet.transfer t ON t.id = e.transfer_id
             WHERE e.amount < 0 AND t.parent_id IS NULL) e
      FULL JOIN wallet.transfer_part p ON p.transfer_id = e.transfer_id AND p.account_id = e.account_id
     WHERE p.amount IS DISTINCT FROM -e.amount
     ORDER BY coalesce(p.transfer_id, e.transfer_id) LIMIT 1
"""

_REFUNDED = """
    SELECT format('transfer %s: %s went back to account %s, its part says %s',
                  coalesce(p.transfer_id, b.parent_id), coalesce(b.amount, 0),
                  coalesce(p.account_id, b.account_id), coalesce(p.refunded, 0))
      FROM (SELECT t.parent_id, e.account_id, sum(e.amount) AS amount
              FROM wallet.transfer t JOIN wallet.entry e ON e.transfer_id = t.id
             WHERE t.parent_id IS NOT NULL AND e.amount > 0 GROUP BY 1, 2) b
      FULL JOIN wallet.transfer_part p ON p.transfer_id = b.parent_id AND p.account_id = b.account_id
     WHERE coalesce(p.refunded, 0) <> coalesce(b.amount, 0)
     ORDER BY coalesce(p.transfer_id, b.parent_id) LIMIT 1
"""

_TOPUPS = """
    SELECT format('top-up %s is %s, and its transfer is %s', u.id, u.state, coalesce(t.id::text, 'missing'))
      FROM wallet.topup u
      LEFT JOIN wallet.transfer t ON t.principal = 'wallet' AND t.key = 'topup:' || u.id AND t.state = 'posted'
     WHERE (u.state = 'succeeded') <> (t.id IS NOT NULL)
     ORDER BY u.id LIMIT 1
"""

#: Each is answered by joins of whole tables, so that it takes as long as there are rows and not their square.
QUESTIONS = (_HISTORIES, _BALANCES, _TRANSFERS, _ORPHANS, _EMPTY, _PARTS, _REFUNDED, _TOPUPS)
