"""What the audit asks of baskets that were paid by their code (`wallet.checks`): that the ledger says the same."""

_REQUESTS = """
    SELECT format('payment request %%s of %%s and a tip of %%s is paid by %%s, whose transfer is %%s of %%s', r.id,
                  r.amount_minor, r.tip_minor, r.payment_id, coalesce(t.state, 'missing'), t.details ->> 'amount_minor')
      FROM wallet.payment_request r
      LEFT JOIN wallet.transfer t ON t.principal = 'till:' || r.terminal_id AND t.key = r.till_reference
     WHERE r.state = 'paid'
       AND (t.id IS DISTINCT FROM r.payment_id OR t.state <> 'posted'
            OR (t.details ->> 'amount_minor')::bigint <> r.amount_minor + r.tip_minor
            OR t.details ->> 'currency' <> r.currency)
     ORDER BY r.id LIMIT 1
"""

# The parts are told to merchant and customer; the ledger's own, of the payment's currency, are what really gave.
_PARTS = """
    SELECT format('payment %%s tells of parts that give %%s, its sources gave %%s', t.id, told.amount, gave.amount)
      FROM wallet.transfer t
     CROSS JOIN LATERAL (SELECT sum((part ->> 'amount_minor')::bigint) AS amount
                           FROM jsonb_array_elements(t.details -> 'parts') part) told
     CROSS JOIN LATERAL (SELECT sum(p.amount) AS amount
                           FROM wallet.source p JOIN wallet.account a ON a.id = p.account_id
                          WHERE p.transfer_id = t.id AND a.asset = t.details ->> 'currency') gave
     WHERE t.kind = 'payment' AND t.state = 'posted' AND t.details ? 'parts'
       AND told.amount IS DISTINCT FROM gave.amount
     ORDER BY t.id LIMIT 1
"""

QUESTIONS = (_REQUESTS, _PARTS)
