"""What the audit asks of holds, of what they promise, and of what was captured."""

_PARTS = """
    SELECT format('hold %%s, part %%s: %%s promised, %%s captured, %%s released; its moves give %%s, %%s and %%s',
                  coalesce(p.hold_id, m.hold_id), coalesce(p.place, m.place), p.amount, p.captured, p.released,
                  m.amount, m.captured, m.released)
      FROM wallet.hold_part p
      FULL JOIN (SELECT hold_id, place, coalesce(sum(held) FILTER (WHERE held > 0), 0) AS amount,
                        sum(captured) AS captured,
                        coalesce(sum(-held - captured) FILTER (WHERE held < 0), 0) AS released
                   FROM wallet.hold_move GROUP BY 1, 2) m ON m.hold_id = p.hold_id AND m.place = p.place
     WHERE (p.amount, p.captured, p.released) IS DISTINCT FROM (m.amount, m.captured, m.released)
     ORDER BY coalesce(p.hold_id, m.hold_id), coalesce(p.place, m.place) LIMIT 1
"""

_HOLDS = """
    SELECT format('hold %%s (%%s): %%s promised, %%s captured, %%s voided; its parts give %%s, %%s and %%s',
                  h.id, coalesce(h.ended_by, 'open'), h.amount, h.captured, h.voided,
                  coalesce(p.amount, 0), coalesce(p.captured, 0), coalesce(p.released, 0))
      FROM wallet.hold h
      LEFT JOIN (SELECT hold_id, sum(amount) AS amount, sum(captured) AS captured, sum(released) AS released
                   FROM wallet.hold_part GROUP BY 1) p ON p.hold_id = h.id
     WHERE (h.amount, h.captured, h.voided) IS DISTINCT FROM (p.amount, p.captured, p.released)
        OR (h.ended_at IS NOT NULL) <> (h.captured + h.voided = h.amount)
     ORDER BY h.id LIMIT 1
"""

_PLACED = """
    SELECT format('hold %%s and its transfer %%s do not belong together', coalesce(h.id::text, 'missing'),
                  coalesce(t.id::text, 'missing'))
      FROM wallet.hold h
      FULL JOIN (SELECT id FROM wallet.transfer WHERE kind = 'hold' AND state = 'posted') t ON t.id = h.id
     WHERE h.id IS NULL OR t.id IS NULL
     ORDER BY coalesce(h.id, t.id) LIMIT 1
"""

_MOVES = """
    SELECT format('transfer %%s moves hold %%s, and is not posted for it', m.transfer_id, m.hold_id)
      FROM wallet.hold_move m
      LEFT JOIN wallet.transfer t ON t.id = m.transfer_id AND t.state = 'posted' AND t.hold_id = m.hold_id
     WHERE t.id IS NULL
     ORDER BY m.transfer_id LIMIT 1
"""

_CAPTURES = """
    SELECT format('transfer %%s took %%s from account %%s, of the hold that it captures %%s',
                  coalesce(e.transfer_id, m.transfer_id), coalesce(e.amount, 0),
                  coalesce(e.account_id, m.account_id), coalesce(m.captured, 0))
      FROM (SELECT e.transfer_id, e.account_id, -e.amount AS amount
              FROM wallet.transfer t JOIN wallet.entry e ON e.transfer_id = t.id
             WHERE t.hold_id IS NOT NULL AND e.amount < 0) e
      FULL JOIN (SELECT m.transfer_id, p.account_id, sum(m.captured) AS captured
                   FROM wallet.hold_move m JOIN wallet.hold_part p ON p.hold_id = m.hold_id AND p.place = m.place
                  WHERE m.captured > 0 GROUP BY 1, 2) m
             ON m.transfer_id = e.transfer_id AND m.account_id = e.account_id
     WHERE coalesce(e.amount, 0) <> coalesce(m.captured, 0)
     ORDER BY coalesce(e.transfer_id, m.transfer_id) LIMIT 1
"""

_BALANCES = """
    SELECT format('account %%s: %%s held, its holds promise %%s', coalesce(b.account_id, p.account_id),
                  coalesce(b.held, 0), coalesce(p.held, 0))
      FROM (SELECT account_id, sum(held) AS held FROM wallet.balance GROUP BY 1) b
      FULL JOIN (SELECT account_id, sum(amount - captured - released) AS held
                   FROM wallet.hold_part GROUP BY 1) p ON p.account_id = b.account_id
     WHERE coalesce(b.held, 0) <> coalesce(p.held, 0)
     ORDER BY coalesce(b.account_id, p.account_id) LIMIT 1
"""

_LOTS = """
    SELECT format('lot %%s of account %%s: %%s held, its holds promise %%s', coalesce(l.id, p.lot_id), l.account_id,
                  coalesce(l.held, 0), coalesce(p.held, 0))
      FROM wallet.lot l
      FULL JOIN (SELECT lot_id, account_id, sum(amount - captured - released) AS held
                   FROM wallet.hold_part WHERE lot_id IS NOT NULL GROUP BY 1, 2) p
             ON p.lot_id = l.id AND p.account_id = l.account_id
     WHERE coalesce(l.held, 0) <> coalesce(p.held, 0)
     ORDER BY coalesce(l.id, p.lot_id) LIMIT 1
"""

QUESTIONS = (_PARTS, _HOLDS, _PLACED, _MOVES, _CAPTURES, _BALANCES, _LOTS)
