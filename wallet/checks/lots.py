"""What the audit asks of lots and of their journal."""

# A lot's first move is the whole of it; a later one can at most give back what was taken.
_LOTS = """
    SELECT format('lot %%s of %%s has %%s left, its moves give %%s', coalesce(l.id, m.lot_id), l.amount, l.remaining,
                  coalesce(m.amount, 0))
      FROM wallet.lot l
      FULL JOIN (SELECT lot_id, sum(amount) AS amount, max(amount) AS most
                   FROM wallet.lot_move GROUP BY 1) m ON m.lot_id = l.id
     WHERE l.id IS NULL OR l.remaining <> coalesce(m.amount, 0) OR l.amount IS DISTINCT FROM m.most
     ORDER BY coalesce(l.id, m.lot_id) LIMIT 1
"""

_ENTRIES = """
    SELECT format('transfer %%s changed account %%s by %%s, and its lots by %%s',
                  coalesce(e.transfer_id, m.transfer_id), coalesce(e.account_id, m.account_id),
                  coalesce(e.amount, 0), coalesce(m.amount, 0))
      FROM (SELECT e.transfer_id, e.account_id, e.amount
              FROM wallet.entry e JOIN wallet.account a ON a.id = e.account_id AND a.has_lots) e
      FULL JOIN (SELECT m.transfer_id, l.account_id, sum(m.amount) AS amount
                   FROM wallet.lot_move m JOIN wallet.lot l ON l.id = m.lot_id GROUP BY 1, 2) m
             ON m.transfer_id = e.transfer_id AND m.account_id = e.account_id
     WHERE coalesce(e.amount, 0) <> coalesce(m.amount, 0)
     ORDER BY coalesce(e.transfer_id, m.transfer_id) LIMIT 1
"""

_BALANCES = """
    SELECT format('account %%s: balance %%s, its lots have %%s left', coalesce(b.account_id, l.account_id),
                  coalesce(b.posted, 0), coalesce(l.remaining, 0))
      FROM (SELECT account_id, posted FROM wallet.balance WHERE has_lots) b
      FULL JOIN (SELECT account_id, sum(remaining) AS remaining FROM wallet.lot GROUP BY 1) l
             ON l.account_id = b.account_id
     WHERE coalesce(b.posted, 0) <> coalesce(l.remaining, 0)
     ORDER BY coalesce(b.account_id, l.account_id) LIMIT 1
"""

_REFUNDED = """
    SELECT format('transfer %%s: its part of account %%s says that %%s went back, its lots say %%s',
                  coalesce(p.transfer_id, m.transfer_id), coalesce(p.account_id, m.account_id),
                  coalesce(p.refunded, 0), coalesce(m.refunded, 0))
      FROM (SELECT p.transfer_id, p.account_id, p.refunded - coalesce(d.amount, 0) AS refunded
              FROM wallet.transfer_part p JOIN wallet.account a ON a.id = p.account_id AND a.has_lots
              LEFT JOIN (SELECT payment_id, account_id, sum(amount) AS amount
                           FROM wallet.diverted_refund GROUP BY 1, 2) d
                     ON d.payment_id = p.transfer_id AND d.account_id = p.account_id) p
      FULL JOIN (SELECT m.transfer_id, l.account_id, sum(m.refunded) AS refunded
                   FROM wallet.lot_move m JOIN wallet.lot l ON l.id = m.lot_id GROUP BY 1, 2) m
             ON m.transfer_id = p.transfer_id AND m.account_id = p.account_id
     WHERE coalesce(p.refunded, 0) <> coalesce(m.refunded, 0)
     ORDER BY coalesce(p.transfer_id, m.transfer_id) LIMIT 1
"""

QUESTIONS = (_LOTS, _ENTRIES, _BALANCES, _REFUNDED)
