"""What the audit asks of the counters of limits: they are derived again from the deeds that they count.

Which deeds count where stands with who passes a `Limit`:
- pay   payments and gift cards that are bought, by what they took from the customer's own cash; tills' holds, by the
        cash that they promised
- send  sendings, from when they were begun
- load  top-ups, from when the provider was asked; sendings that were received; gift cards' cash. The amount of a top-up
        that failed does not count in its own day and month (`kept`), though that it was tried does

A counter's row is of the latest hour, day and month of any of its deeds. A deed of an earlier period that was counted
after the first of the later one was counted into that (`wallet.count_usage`). In which order deeds were counted is not
kept, only when each was recorded, to within its `give`: so what was recorded that close to the first of a period may
have been counted into it or not, and the counter has to lie between the two. Nearly always they are one number.
"""

_USAGE = """
    WITH deed AS MATERIALIZED (
        SELECT customer_id, scope, asset, amount, kept, recorded_at, give, date_trunc('hour', local) AS hour,
               local::date AS day, date_trunc('month', local)::date AS month
          FROM (
            SELECT (t.details ->> 'customer_id')::uuid AS customer_id, 'pay' AS scope, a.asset, -e.amount AS amount,
                   -e.amount AS kept, t.effective_at AT TIME ZONE %(zone)s::text AS local, t.recorded_at,
                   interval '1 minute' AS give
              FROM wallet.transfer t
              JOIN wallet.entry e ON e.transfer_id = t.id AND e.amount < 0
              JOIN wallet.account a ON a.id = e.account_id AND a.purpose = 'cash'
             WHERE t.kind IN ('payment', 'gift_card.purchase') AND t.state = 'posted' AND t.hold_id IS NULL
               AND a.owner = 'customer:' || (t.details ->> 'customer_id')
             UNION ALL
            SELECT h.customer_id, 'pay', h.currency, sum(p.amount), sum(p.amount),
                   t.effective_at AT TIME ZONE %(zone)s::text, t.recorded_at, interval '1 minute'
              FROM wallet.hold h
              JOIN wallet.transfer t ON t.id = h.id AND t.details ? 'terminal_id'
              JOIN wallet.hold_part p ON p.hold_id = h.id
              JOIN wallet.account a ON a.id = p.account_id AND a.purpose = 'cash'
             WHERE h.kind = 'payment'
             GROUP BY h.id, t.id
             UNION ALL
            SELECT s.sender_id, 'send', s.currency, s.amount_minor, s.amount_minor,
                   s.created_at AT TIME ZONE %(zone)s::text, t.recorded_at, interval '1 minute'
              FROM wallet.sending s JOIN wallet.transfer t ON t.id = coalesce(s.hold_id, s.transfer_id)
             UNION ALL
            SELECT s.receiver_id, 'load', s.currency, s.amount_minor, s.amount_minor,
                   t.effective_at AT TIME ZONE %(zone)s::text, t.recorded_at, interval '1 minute'
              FROM wallet.sending s JOIN wallet.transfer t ON t.id = s.transfer_id
             UNION ALL
            SELECT (t.details ->> 'customer_id')::uuid, 'load', t.details ->> 'currency',
                   (t.details ->> 'cash_minor')::bigint, (t.details ->> 'cash_minor')::bigint,
                   t.effective_at AT TIME ZONE %(zone)s::text, t.recorded_at, interval '1 minute'
              FROM wallet.transfer t
             WHERE t.kind = 'topup' AND t.state = 'posted' AND (t.details ->> 'cash_minor')::bigint > 0
             UNION ALL
            -- No clock of the database is kept of a top-up: its id tells that of the server which took it.
            SELECT u.customer_id, 'load', u.currency, u.amount_minor,
                   CASE WHEN u.state = 'failed' THEN 0 ELSE u.amount_minor END,
                   u.created_at AT TIME ZONE %(zone)s::text,
                   to_timestamp(('x' || left(replace(u.id::text, '-', ''), 12))::bit(48)::bigint / 1000.0),
                   interval '1 hour'
              FROM wallet.topup u) d
    ), latest AS (
        SELECT customer_id, scope, asset, max(hour) AS hour, max(day) AS day, max(month) AS month
          FROM deed GROUP BY 1, 2, 3
    ), began AS (
        SELECT customer_id, scope, asset, l.hour, l.day, l.month,
               min(d.recorded_at) FILTER (WHERE d.hour = l.hour) AS hour_at,
               min(d.recorded_at) FILTER (WHERE d.day = l.day) AS day_at,
               min(d.recorded_at) FILTER (WHERE d.month = l.month) AS month_at
          FROM deed d JOIN latest l USING (customer_id, scope, asset) GROUP BY 1, 2, 3, 4, 5, 6
    ), found AS (
        SELECT customer_id, scope, asset, b.hour, b.day, b.month,
               sum(CASE WHEN d.hour = b.hour OR recorded_at > hour_at + give THEN 1 ELSE 0 END) AS least_count,
               sum(CASE WHEN d.hour = b.hour OR recorded_at >= hour_at - give THEN 1 ELSE 0 END) AS most_count,
               sum(CASE WHEN d.day = b.day THEN kept WHEN recorded_at > day_at + give THEN amount ELSE 0 END)
                   AS least_day,
               sum(CASE WHEN d.day = b.day THEN kept WHEN recorded_at >= day_at - give THEN amount ELSE 0 END)
                   AS most_day,
               sum(CASE WHEN d.month = b.month THEN kept WHEN recorded_at > month_at + give THEN amount ELSE 0 END)
                   AS least_month,
               sum(CASE WHEN d.month = b.month THEN kept WHEN recorded_at >= month_at - give THEN amount ELSE 0 END)
                   AS most_month
          FROM deed d JOIN began b USING (customer_id, scope, asset) GROUP BY 1, 2, 3, 4, 5, 6)
    SELECT format('customer %%s has used of "%%s" in %%s: %%s deeds in the hour of %%s, %%s on %%s, %%s in the month of'
                  ' %%s; their deeds give %%s (%%s), %%s (%%s) and %%s (%%s)', customer_id, scope, asset,
                  u.hour_count, u.hour, u.day_amount, u.day, u.month_amount, u.month,
                  f.least_count, f.hour, f.least_day, f.day, f.least_month, f.month)
      FROM wallet.usage u FULL JOIN found f USING (customer_id, scope, asset)
     WHERE (u.hour, u.day, u.month) IS DISTINCT FROM (f.hour, f.day, f.month)
        OR u.hour_count NOT BETWEEN f.least_count AND f.most_count
        OR u.day_amount NOT BETWEEN f.least_day AND f.most_day
        OR u.month_amount NOT BETWEEN f.least_month AND f.most_month
     ORDER BY customer_id, scope, asset LIMIT 1
"""

QUESTIONS = (_USAGE,)
