"""What the audit of rewards asks of offline records: that each is paid as it says, and no day beyond its records."""

# A redemption that came back in part is another deed's business, so only what it took at first is compared.
_REDEEMED = """
    SELECT format('offline record %s redeemed %s of voucher %s, its redemption %s of %s', o.id, o.redeemed_minor,
                  o.voucher_id, r.amount_minor, r.voucher_id)
      FROM rewards.offline_redemption o JOIN rewards.redemption r ON r.id = o.redemption_id
     WHERE (r.amount_minor, r.voucher_id, r.currency, r.terminal_id, r.till_reference, r.redeemed_at)
           IS DISTINCT FROM
           (o.redeemed_minor, o.voucher_id, o.currency, o.terminal_id, o.till_reference, o.accepted_at)
     ORDER BY o.id LIMIT 1
"""

_REVERSED = """
    SELECT format('offline record %s is %s, its redemption %s', o.id, o.state, r.state)
      FROM rewards.offline_redemption o JOIN rewards.redemption r ON r.id = o.redemption_id
     WHERE (o.state = 'reversed') <> (r.state = 'rolled_back')
     ORDER BY o.id LIMIT 1
"""

_LOST = """
    SELECT format('transfer %s pays %s for offline losses, its record says %s', coalesce(t.id, o.loss_id),
                  coalesce(t.amount, 0), coalesce(o.lost_minor, 0))
      FROM (SELECT t.id, (t.details ->> 'amount_minor')::bigint AS amount, s.amount AS given
              FROM wallet.transfer t LEFT JOIN wallet.source s ON s.transfer_id = t.id
             WHERE t.kind = 'offline_loss' AND t.state = 'posted') t
      FULL JOIN (SELECT * FROM rewards.offline_redemption WHERE loss_id IS NOT NULL) o ON o.loss_id = t.id
     WHERE (t.amount, t.given) IS DISTINCT FROM (o.lost_minor, o.lost_minor)
     ORDER BY 1 LIMIT 1
"""

_LOST_BACK = """
    SELECT format('offline record %s is %s, and %s of its %s lost went back', o.id, o.state, coalesce(b.amount, 0),
                  o.lost_minor)
      FROM rewards.offline_redemption o
      LEFT JOIN (SELECT parent_id, sum((details ->> 'amount_minor')::bigint) AS amount
                   FROM wallet.transfer WHERE kind = 'refund' AND state = 'posted' GROUP BY 1) b
        ON b.parent_id = o.loss_id
     WHERE o.loss_id IS NOT NULL
       AND coalesce(b.amount, 0) <> CASE WHEN o.state = 'reversed' THEN o.lost_minor ELSE 0 END
     ORDER BY o.id LIMIT 1
"""

_DAYS = """
    SELECT format('terminal %s has used %s in %s of its allowance of %s, its records %s in %s',
                  coalesce(d.terminal_id, o.terminal_id), coalesce(d.used_minor, 0), coalesce(d.used_count, 0),
                  coalesce(d.day, o.day), coalesce(o.amount, 0), coalesce(o.records, 0))
      FROM rewards.offline_day d
      FULL JOIN (SELECT terminal_id, currency, allowed_on AS day, sum(amount_minor) AS amount, count(*) AS records
                   FROM rewards.offline_redemption WHERE allowed_on IS NOT NULL GROUP BY 1, 2, 3) o
        ON (o.terminal_id, o.currency, o.day) = (d.terminal_id, d.currency, d.day)
     WHERE (coalesce(d.used_minor, 0), coalesce(d.used_count, 0)) <> (coalesce(o.amount, 0), coalesce(o.records, 0))
     ORDER BY 1 LIMIT 1
"""

QUESTIONS = (_REDEEMED, _REVERSED, _LOST, _LOST_BACK, _DAYS)
