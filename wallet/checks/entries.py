"""What the audit asks of entries, balances and refunds."""

_HISTORIES = """
    SELECT format('account %%s: the entry of transfer %%s has balance %%s after version %%s, its history gives %%s at'
                  ' %%s', account_id, transfer_id, balance_after, version, running, place)
      FROM (SELECT e.*, sum(amount) OVER so_far AS running, row_number() OVER so_far AS place
              FROM wallet.entry e WINDOW so_far AS (PARTITION BY account_id, shard ORDER BY version)) h
     WHERE balance_after <> running OR version <> place
     ORDER BY account_id, shard, version LIMIT 1
"""

_BALANCES = """
    SELECT format('account %%s (%%s %%s %%s): balance %%s at version %%s, its entries give %%s at %%s',
                  coalesce(b.account_id, e.account_id), a.owner, a.purpose, a.asset,
                  b.posted, b.version, coalesce(e.amount, 0), coalesce(e.entries, 0))
      FROM wallet.balance b
      FULL JOIN (SELECT account_id, shard, sum(amount) AS amount, count(*) AS entries
                   FROM wallet.entry GROUP BY 1, 2) e
             ON e.account_id = b.account_id AND e.shard = b.shard
      LEFT JOIN wallet.account a ON a.id = coalesce(b.account_id, e.account_id)
     WHERE b.account_id IS NULL OR a.id IS NULL
        OR b.posted <> coalesce(e.amount, 0) OR b.version <> coalesce(e.entries, 0)
     ORDER BY coalesce(b.account_id, e.account_id) LIMIT 1
"""

# A balance carries what the posting needs of its account, so that it reads one row and not two.
_COPIES = """
    SELECT format('account %%s (%%s, floor %%s, %%s shards) and its balance in shard %%s (%%s, floor %%s) differ',
                  a.id, a.status, coalesce(a.floor::text, 'none'), a.shards, b.shard, b.status,
                  coalesce(b.floor::text, 'none'))
      FROM wallet.account a JOIN wallet.balance b ON b.account_id = a.id
     WHERE (b.asset, b.status, b.hot, b.has_lots) <> (a.asset, a.status, a.hot, a.has_lots)
        OR b.floor IS DISTINCT FROM a.floor OR b.shard >= a.shards
     ORDER BY a.id, b.shard LIMIT 1
"""

_SHARDS = """
    SELECT format('account %%s has %%s shards and %%s balances', a.id, a.shards, coalesce(b.rows, 0))
      FROM wallet.account a
      LEFT JOIN (SELECT account_id, count(*) AS rows FROM wallet.balance GROUP BY 1) b ON b.account_id = a.id
     WHERE coalesce(b.rows, 0) <> a.shards
     ORDER BY a.id LIMIT 1
"""

_TRANSFERS = """
    SELECT format('transfer %%s sums to %%s %%s, not to zero', e.transfer_id, sum(e.amount), a.asset)
      FROM wallet.entry e JOIN wallet.account a ON a.id = e.account_id
     GROUP BY e.transfer_id, a.asset HAVING sum(e.amount) <> 0
     ORDER BY e.transfer_id LIMIT 1
"""

_ORPHANS = """
    SELECT format('an entry on account %%s belongs to no posted transfer (%%s)', e.account_id, e.transfer_id)
      FROM wallet.entry e LEFT JOIN wallet.transfer t ON t.id = e.transfer_id AND t.state = 'posted'
     WHERE t.id IS NULL
     ORDER BY e.transfer_id LIMIT 1
"""

# A difference of sets, since for an anti-join with a LIMIT the planner may read all entries anew for each transfer.
_EMPTY = """
    SELECT format('transfer %%s is posted and has no entries', id)
      FROM (SELECT id FROM wallet.transfer WHERE state = 'posted' AND kind NOT IN ('hold', 'void')
            EXCEPT SELECT transfer_id FROM wallet.entry) t
     ORDER BY id LIMIT 1
"""

_STATES = """
    SELECT format('transfer %%s is %%s, %%s a refusal', id, state,
                  CASE WHEN refusal IS NULL THEN 'without' ELSE 'with' END)
      FROM wallet.transfer
     WHERE (state = 'posted') <> (refusal IS NULL) OR state NOT IN ('posted', 'declined')
     ORDER BY id LIMIT 1
"""

# A transfer with one source has no part until it first gives back. What took a closed source's place has its own.
_PARTS = """
    SELECT format('transfer %%s took %%s from account %%s, its part says %%s',
                  coalesce(p.transfer_id, e.transfer_id), -coalesce(e.amount, 0),
                  coalesce(p.account_id, e.account_id), coalesce(p.amount, 0))
      FROM (SELECT e.transfer_id, e.account_id, e.amount, count(*) OVER (PARTITION BY e.transfer_id) AS sources
              FROM wallet.entry e JOIN wallet.transfer t ON t.id = e.transfer_id
             WHERE e.amount < 0 AND t.parent_id IS NULL) e
      FULL JOIN wallet.transfer_part p ON p.transfer_id = e.transfer_id AND p.account_id = e.account_id
     WHERE p.amount IS DISTINCT FROM -e.amount AND (p.transfer_id IS NOT NULL OR e.sources > 1)
       AND NOT EXISTS (SELECT FROM wallet.diverted_refund d
                        WHERE d.payment_id = p.transfer_id AND d.target_id = p.account_id)
     ORDER BY coalesce(p.transfer_id, e.transfer_id) LIMIT 1
"""

_REFUNDED = """
    SELECT format('transfer %%s: %%s went back to account %%s, its part says %%s',
                  coalesce(p.transfer_id, b.parent_id), coalesce(b.amount, 0),
                  coalesce(p.account_id, b.account_id), coalesce(p.refunded, 0))
      FROM (SELECT parent_id, account_id, sum(amount) AS amount
              FROM (SELECT t.parent_id, e.account_id, e.amount
                      FROM wallet.transfer t JOIN wallet.entry e ON e.transfer_id = t.id
                     WHERE t.parent_id IS NOT NULL AND e.amount > 0
                     UNION ALL
                    SELECT payment_id, account_id, amount FROM wallet.diverted_refund) g
             GROUP BY 1, 2) b
      FULL JOIN wallet.transfer_part p ON p.transfer_id = b.parent_id AND p.account_id = b.account_id
     WHERE coalesce(p.refunded, 0) <> coalesce(b.amount, 0)
     ORDER BY coalesce(p.transfer_id, b.parent_id) LIMIT 1
"""

# A refund's transfer gives to each target what its closed sources did not get.
_DIVERTED = """
    SELECT format('refund %%s gave %%s to account %%s in place of closed ones, which says %%s', d.refund_id, e.amount,
                  d.target_id, d.amount)
      FROM (SELECT refund_id, target_id, payment_id, sum(amount) AS amount
              FROM wallet.diverted_refund GROUP BY 1, 2, 3) d
      LEFT JOIN wallet.transfer t ON t.id = d.refund_id AND t.parent_id = d.payment_id
      LEFT JOIN wallet.entry e ON e.transfer_id = t.id AND e.account_id = d.target_id
     WHERE e.amount IS DISTINCT FROM d.amount
     ORDER BY d.refund_id LIMIT 1
"""

QUESTIONS = (
    _HISTORIES,
    _BALANCES,
    _COPIES,
    _SHARDS,
    _TRANSFERS,
    _ORPHANS,
    _EMPTY,
    _STATES,
    _PARTS,
    _REFUNDED,
    _DIVERTED,
)
