"""What the audit asks of top-ups that went back (`wallet.checks`): that it was taken from the customers, no more."""

_GIVEN_BACK = """
    SELECT format('top-up %%s says that %%s went back, its transfers say %%s', coalesce(u.id::text, b.topup_id),
                  coalesce(u.refunded_minor, 0), coalesce(b.amount, 0))
      FROM (SELECT t.details ->> 'topup_id' AS topup_id, sum(e.amount) AS amount
              FROM wallet.transfer t
              JOIN wallet.entry e ON e.transfer_id = t.id
              JOIN wallet.account a ON a.id = e.account_id AND a.owner = 'brand' AND a.purpose = 'provider'
             WHERE t.kind = 'topup.refund' GROUP BY 1) b
      FULL JOIN wallet.topup u ON u.id::text = b.topup_id
     WHERE coalesce(u.refunded_minor, 0) <> coalesce(b.amount, 0)
     ORDER BY coalesce(u.id::text, b.topup_id) LIMIT 1
"""

_DISPUTED = """
    SELECT format('dispute %%s says that %%s is taken back, its transfers say %%s',
                  coalesce(d.provider_reference, b.dispute), coalesce(d.clawed_minor, 0), coalesce(b.amount, 0))
      FROM (SELECT t.details ->> 'dispute' AS dispute, sum(e.amount) AS amount
              FROM wallet.transfer t
              JOIN wallet.entry e ON e.transfer_id = t.id
              JOIN wallet.account a ON a.id = e.account_id AND a.owner = 'brand' AND a.purpose = 'provider'
             WHERE t.kind = 'dispute' GROUP BY 1) b
      FULL JOIN wallet.dispute d ON d.provider_reference = b.dispute
     WHERE coalesce(d.clawed_minor, 0) <> coalesce(b.amount, 0)
     ORDER BY coalesce(d.provider_reference, b.dispute) LIMIT 1
"""

QUESTIONS = (_GIVEN_BACK, _DISPUTED)
