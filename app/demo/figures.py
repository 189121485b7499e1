"""What our own tables say of a played window: the column *ours* of the demo's table, counted by SQL alone.

Only what happened in the window's time counts, so that what somebody tries out afterwards changes nothing.
"""

from app.demo import windows
from app.demo.source_facts import HUGE_QUANTITY
from app.demo.source_files import UNLISTED, Window
from app.demo.stage import Scene
from core.db import Connection

Figures = dict[str, int]


def ours(connection: Connection, scene: Scene, window: Window) -> Figures:
    """Every figure of the window; money in minor units. Some ten seconds for the year."""
    begins, ends = windows.bounds(window)
    values = {
        "begins": begins,
        "ends": ends,
        "merchant": f"merchant:{scene.merchant_id}",
        "journey": scene.journey_id,
        "journey_campaign": scene.journey_campaign_id,
        "journey_budget": f"campaign:{scene.journey_campaign_id}",
    }
    found: Figures = {}
    for statement in (_ORDERS, _CAMPAIGNS, _REDEMPTIONS, _MONEY, _SIMULATED, _READ, _RESULTS, _JOURNEY, _MESSAGES):
        cursor = connection.execute(statement, values)
        row = cursor.fetchone()
        assert row is not None and cursor.description  # an aggregate always answers with one row
        found |= {column.name: int(value or 0) for column, value in zip(cursor.description, row, strict=True)}
    return found


# One look at every order: its lines stand in its own payload.
_ORDERS = f"""
    SELECT count(*) AS baskets, count(DISTINCT e.customer_id) AS households,
           count(DISTINCT e.payload->>'store_id') AS stores,
           count(*) FILTER (WHERE (e.payload->>'total_minor')::bigint = 0) AS zero_baskets,
           sum((e.payload->>'total_minor')::bigint) AS sales_minor,
           sum(l.lines) AS lines, sum(l.amount_minor) AS lines_minor,
           sum(l.zero_quantity) AS zero_quantity_lines, sum(l.zero_value) AS zero_value_lines,
           sum(l.huge_quantity) AS huge_quantity_lines, max(l.largest_quantity) AS largest_quantity,
           sum(l.unlisted) AS unlisted_lines
      FROM core.event e
     CROSS JOIN LATERAL (
           SELECT count(*) AS lines, sum(amount_minor) AS amount_minor,
                  count(*) FILTER (WHERE quantity = 0) AS zero_quantity,
                  count(*) FILTER (WHERE amount_minor = 0) AS zero_value,
                  count(*) FILTER (WHERE quantity >= {HUGE_QUANTITY}) AS huge_quantity,
                  max(quantity) AS largest_quantity,
                  count(*) FILTER (WHERE category = '{UNLISTED}') AS unlisted
             FROM jsonb_to_recordset(e.payload->'lines') AS line (quantity numeric, amount_minor bigint, category text)
           ) l
     WHERE e.name = 'order.completed' AND e.occurred_at >= %(begins)s AND e.occurred_at < %(ends)s
"""

_CAMPAIGNS = """
    SELECT count(DISTINCT o.campaign_number) AS campaigns, count(*) AS coupon_pairs,
           count(DISTINCT o.coupon_upc) AS coupons,
           (SELECT count(DISTINCT s.sku) FROM rewards.campaign_sku s JOIN demo.offer USING (campaign_id))
               AS products_covered,
           (SELECT count(*) FROM (SELECT DISTINCT f.campaign_number, m.customer_id
                                    FROM demo.offer f JOIN rewards.campaign g ON g.id = f.campaign_id
                                    JOIN rewards.audience_member m USING (audience_id)) t) AS targets
      FROM demo.offer o JOIN rewards.campaign c ON c.id = o.campaign_id
"""

_REDEMPTIONS = """
    SELECT count(*) AS redemptions, count(DISTINCT r.customer_id) AS redeeming_households,
           count(*) FILTER (WHERE r.amount_minor = 0) AS worthless_redemptions,
           (SELECT coalesce(sum(used) FILTER (WHERE k.scope = 'total'), 0)
              FROM rewards.counter k JOIN demo.offer USING (campaign_id)) AS counted_in_all,
           (SELECT coalesce(sum(used) FILTER (WHERE k.bucket <> ''), 0)
              FROM rewards.counter k JOIN demo.offer USING (campaign_id)) AS counted_by_day,
           (SELECT count(*) FROM (SELECT FROM rewards.redemption t JOIN demo.offer USING (campaign_id)
                                   WHERE t.redeemed_at >= %(begins)s AND t.redeemed_at < %(ends)s
                                   GROUP BY t.customer_id, t.campaign_id HAVING count(*) = 2) twice) AS used_twice
      FROM rewards.redemption r JOIN demo.offer o USING (campaign_id)
     WHERE r.state = 'succeeded' AND r.redeemed_at >= %(begins)s AND r.redeemed_at < %(ends)s
"""

# What each side of the ledger gave and got in the transfers that owe the merchant something.
_MONEY = """
    WITH paid AS (
        SELECT n.transfer_id FROM wallet.entry n JOIN wallet.account a ON a.id = n.account_id
         WHERE a.owner = %(merchant)s AND a.purpose = 'payable'
           AND n.effective_at >= %(begins)s AND n.effective_at < %(ends)s)
    SELECT count(DISTINCT n.transfer_id) AS paid_baskets,
           sum(n.amount) FILTER (WHERE a.purpose = 'payable') AS payable_minor,
           -sum(n.amount) FILTER (WHERE a.purpose = 'cash') AS wallets_minor,
           -sum(n.amount) FILTER (WHERE a.purpose = 'budget' AND a.owner <> %(journey_budget)s) AS coupons_minor,
           -sum(n.amount) FILTER (WHERE a.purpose = 'budget' AND a.owner = %(journey_budget)s) AS journey_minor
      FROM wallet.entry n JOIN wallet.account a ON a.id = n.account_id
     WHERE n.transfer_id IN (SELECT transfer_id FROM paid)
"""

_SIMULATED = """
    SELECT count(*) AS simulated_campaigns, sum((s.result->>'uses')::bigint) AS simulated_uses,
           sum((s.result->'cost'->>'amount_minor')::bigint) AS simulated_minor
      FROM demo.simulated d JOIN rewards.simulation s ON s.id = d.simulation_id
"""

# What readers of the log made of the same days; orders of later days, which somebody tried out, are taken off again.
_READ = """
    WITH later AS (
        SELECT count(*) AS orders, coalesce(sum((payload->>'total_minor')::bigint), 0) AS minor
          FROM core.event WHERE name = 'order.completed' AND occurred_at >= %(ends)s)
    SELECT sum(p.orders) - (SELECT orders FROM later) AS profile_orders,
           count(*) FILTER (WHERE p.first_order_at < %(ends)s) AS profile_buyers,
           (SELECT sum(ordered_minor) FROM insights.revenue) - (SELECT minor FROM later) AS profile_revenue_minor,
           (SELECT count(*) FROM core.reader_parked) AS parked
      FROM insights.profile p
"""

# What results counted, beside the walks and the log themselves; only windows that were over as the play ended.
_RESULTS = """
    SELECT (SELECT count(*) FROM engage.enrolment WHERE entered_at < %(ends)s) AS walks,
           (SELECT sum(count) FROM engage.tally
             WHERE scope = 'journey' AND measure = 'entered'
               AND day < (%(ends)s AT TIME ZONE 'America/New_York')::date) AS counted_entries,
           (SELECT sum(revenue_minor) FROM engage.outcome WHERE ripe_at <= %(ends)s) AS outcome_minor,
           (SELECT sum((e.payload->>'total_minor')::bigint)
              FROM engage.outcome o JOIN core.event e
                ON e.customer_id = o.customer_id AND e.name = 'order.completed'
               AND e.occurred_at >= o.entered_at AND e.occurred_at < o.ripe_at
             WHERE o.ripe_at <= %(ends)s) AS outcome_orders_minor
"""

_JOURNEY = """
    SELECT count(*) AS enrolments, count(*) FILTER (WHERE e.state = 'waiting') AS waiting,
           count(*) FILTER (WHERE w.outcome = 'event') AS walked_redeemed,
           count(*) FILTER (WHERE w.outcome = 'timeout') AS walked_timed_out,
           (SELECT count(*) FROM rewards.voucher v WHERE v.campaign_id = %(journey_campaign)s) AS journey_vouchers,
           (SELECT count(*) FROM rewards.redemption r WHERE r.campaign_id = %(journey_campaign)s
               AND r.redeemed_at < %(ends)s) AS journey_redemptions
      FROM engage.enrolment e
      LEFT JOIN engage.step_run w ON w.enrolment_id = e.id AND w.kind = 'wait'
     WHERE e.journey_id = %(journey)s AND e.entered_at < %(ends)s
"""

_MESSAGES = """
    SELECT count(*) AS messages, count(*) FILTER (WHERE m.state IN ('sent', 'delivered')) AS messages_sent
      FROM core.message m WHERE m.created_at >= %(begins)s AND m.created_at < %(ends)s
"""
