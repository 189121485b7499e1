"""What the audit asks of settlements (`wallet.checks`): that they took what was posted, and posted what they say."""

# A balance after an entry is the sum of all before it in its shard, so two of them tell what a span of versions sums
# to, without reading what is between. The settlements' own entries stand in the spans, but are no part of the sums.
_TAKEN = """
    SELECT format('settlement %%s says that %%s was earned, its entries sum to %%s', s.id,
                  s.gross_minor + s.tips_minor - s.refunds_minor + s.adjustments_minor,
                  t.amount - coalesce(o.amount, 0))
      FROM wallet.settlement s
      LEFT JOIN (SELECT c.settlement_id, sum(l.balance_after - coalesce(f.balance_after, 0)) AS amount
                   FROM wallet.settlement_cut c
                   LEFT JOIN wallet.entry l
                          ON l.account_id = c.account_id AND l.shard = c.shard AND l.version = c.to_version
                   LEFT JOIN wallet.entry f
                          ON f.account_id = c.account_id AND f.shard = c.shard AND f.version = c.after_version
                  GROUP BY c.settlement_id) t ON t.settlement_id = s.id
      LEFT JOIN (SELECT c.settlement_id, sum(e.amount) AS amount
                   FROM wallet.settlement_cut c
                   JOIN (wallet.entry e JOIN wallet.transfer t ON t.id = e.transfer_id AND t.kind = 'settlement')
                     ON e.account_id = c.account_id AND e.shard = c.shard
                    AND e.version > coalesce(c.after_version, 0) AND e.version <= c.to_version
                  GROUP BY c.settlement_id) o ON o.settlement_id = s.id
     WHERE s.gross_minor + s.tips_minor - s.refunds_minor + s.adjustments_minor
           IS DISTINCT FROM t.amount - coalesce(o.amount, 0)
     ORDER BY s.id LIMIT 1
"""

_POSTED = """
    SELECT format('settlement %%s says fees %%s and payout %%s, its transfer took %%s and %%s',
                  coalesce(s.id::text, t.settlement_id), s.fees_minor, s.payout_minor, t.fees, t.payout)
      FROM (SELECT t.id, t.details ->> 'settlement_id' AS settlement_id,
                   coalesce(sum(e.amount) FILTER (WHERE a.purpose = 'fees'), 0) AS fees,
                   coalesce(sum(e.amount) FILTER (WHERE a.purpose = 'bank'), 0) AS payout
              FROM wallet.transfer t
              JOIN wallet.entry e ON e.transfer_id = t.id
              JOIN wallet.account a ON a.id = e.account_id
             WHERE t.kind = 'settlement' GROUP BY t.id) t
      FULL JOIN (SELECT * FROM wallet.settlement WHERE fees_minor > 0 OR payout_minor > 0) s ON s.transfer_id = t.id
     WHERE s.fees_minor IS DISTINCT FROM t.fees OR s.payout_minor IS DISTINCT FROM t.payout
     ORDER BY coalesce(s.id::text, t.settlement_id) LIMIT 1
"""

_CARRIED = """
    SELECT format('settlement %%s begins with %%s after version %%s of shard %%s, the one before ends with %%s at %%s',
                  id, carried_in_minor, coalesce(after_version, 0), shard, carried_out, coalesce(ended, 0))
      FROM (SELECT s.id, s.carried_in_minor, c.shard, c.after_version, s.sequence,
                   lag(c.to_version) OVER (PARTITION BY c.account_id, c.shard ORDER BY s.sequence) AS ended,
                   least(coalesce(b.net_minor, 0), 0) AS carried_out
              FROM wallet.settlement s
              JOIN wallet.settlement_cut c ON c.settlement_id = s.id
              LEFT JOIN wallet.settlement b ON b.account_id = s.account_id AND b.sequence = s.sequence - 1) n
     WHERE carried_in_minor <> carried_out OR after_version IS DISTINCT FROM ended
     ORDER BY id LIMIT 1
"""

QUESTIONS = (_TAKEN, _POSTED, _CARRIED)
