"""The audit of rewards: everything that is kept twice is derived again from the redemptions and compared.

Counters are what the redemptions that stand have counted, a voucher's uses are their number, what vouchers took off the
lines is what they took off at all, and the ledger moved just that, there and back.
"""

from dataclasses import dataclass

from core import consistency
from core.db import Connection
from rewards.offline import checks as offline


@dataclass(frozen=True, slots=True)
class Looked:
    """How much was looked at."""

    vouchers: int
    redemptions: int
    checkouts: int
    rollbacks: int


def first_difference(connection: Connection) -> str | None:
    """The first thing that does not add up, in one line that names it; None when all does.

    Run it in a REPEATABLE READ transaction where tills may be at work.
    """
    return consistency.first_difference(connection, QUESTIONS)


def count(connection: Connection) -> Looked:
    row = connection.execute(
        "SELECT (SELECT count(*) FROM rewards.voucher), (SELECT count(*) FROM rewards.redemption),"
        " (SELECT count(*) FROM rewards.checkout), (SELECT count(*) FROM rewards.rollback)"
    ).fetchone()
    assert row, "counts always have a row"
    return Looked(*row)


# An amount that went back in part is counted no more; a use is, until all of it went back. What is reserved counts.
_COUNTERS = """
    SELECT format('counter %s of campaign %s by %s in %L says %s, its redemptions counted %s',
                  coalesce(k.scope, s.scope), coalesce(k.campaign_id, s.campaign_id), coalesce(k.measure, s.measure),
                  coalesce(k.bucket, s.bucket), coalesce(k.used, 0), coalesce(s.counted, 0))
      FROM (SELECT k.* FROM rewards.counter k JOIN rewards.campaign c ON c.id = k.campaign_id AND c.kind = 'coupon') k
      FULL JOIN (SELECT r.campaign_id, e ->> 0 AS scope, e ->> 1 AS measure, e ->> 2 AS bucket,
                        sum((e ->> 3)::bigint - CASE WHEN e ->> 1 = 'amount' THEN r.back_minor ELSE 0 END) AS counted
                   FROM (SELECT campaign_id, counted, back_minor FROM rewards.redemption WHERE state <> 'rolled_back'
                         UNION ALL
                         SELECT u.campaign_id, u.counted, 0 FROM rewards.reserved_use u
                           JOIN rewards.reservation v ON v.id = u.reservation_id AND v.state = 'open') r
                  CROSS JOIN LATERAL jsonb_array_elements(r.counted) e
                  GROUP BY 1, 2, 3, 4) s
        ON (s.campaign_id, s.scope, s.measure, s.bucket) = (k.campaign_id, k.scope, k.measure, k.bucket)
     WHERE coalesce(k.used, 0) <> coalesce(s.counted, 0)
     ORDER BY 1 LIMIT 1
"""

# A limit of cards may be younger than some of the cards.
_CARDS = """
    SELECT format('campaign %s has given %s gift cards, its limit counts %s', k.campaign_id, count(v.id), k.used)
      FROM rewards.counter k JOIN rewards.campaign c ON c.id = k.campaign_id AND c.kind = 'gift_card'
      LEFT JOIN rewards.voucher v ON v.campaign_id = k.campaign_id
     WHERE k.scope = 'total' AND k.measure = 'uses'
     GROUP BY k.campaign_id, k.used HAVING k.used > count(v.id)
     ORDER BY k.campaign_id LIMIT 1
"""

_USES = """
    SELECT format('voucher %s says it was used %s times, %s redemptions of it stand', v.id, v.used, coalesce(r.uses, 0))
      FROM rewards.voucher v
      LEFT JOIN (SELECT voucher_id, count(*) AS uses
                   FROM (SELECT voucher_id FROM rewards.redemption WHERE state <> 'rolled_back'
                         UNION ALL
                         SELECT u.voucher_id FROM rewards.reserved_use u
                           JOIN rewards.reservation o ON o.id = u.reservation_id AND o.state = 'open') s
                  GROUP BY 1) r
        ON r.voucher_id = v.id
     WHERE NOT v.is_generic AND v.used <> coalesce(r.uses, 0)
     ORDER BY v.id LIMIT 1
"""

_ALLOCATIONS = """
    SELECT format('redemption %s took %s off, off its lines %s', r.id, r.amount_minor, l.amount)
      FROM rewards.redemption r JOIN rewards.campaign c ON c.id = r.campaign_id AND c.kind = 'coupon'
     CROSS JOIN LATERAL (SELECT coalesce(sum((e ->> 1)::bigint), 0) AS amount FROM jsonb_array_elements(r.lines) e) l
     WHERE l.amount <> r.amount_minor
     ORDER BY r.id LIMIT 1
"""

_LINES = """
    SELECT format('line %s of checkout %s gave coupons %s, they took %s', l.place - 1, c.id, l.line ->> 7,
                  coalesce(t.amount, 0))
      FROM rewards.checkout c CROSS JOIN LATERAL jsonb_array_elements(c.lines) WITH ORDINALITY l (line, place)
      LEFT JOIN (SELECT r.checkout_id, (e ->> 0)::int AS position, sum((e ->> 1)::bigint) AS amount
                   FROM rewards.redemption r CROSS JOIN LATERAL jsonb_array_elements(r.lines) e
                  WHERE r.checkout_id IS NOT NULL GROUP BY 1, 2) t
        ON t.checkout_id = c.id AND t.position = l.place - 1
     WHERE coalesce(t.amount, 0) <> (l.line ->> 7)::bigint OR coalesce(t.amount, 0) > (l.line ->> 4)::bigint
     ORDER BY c.id, l.place LIMIT 1
"""

_CHECKOUTS = """
    SELECT format('checkout %s of %s with %s off and %s by gift cards: its lines come to %s, its vouchers to %s and %s',
                  c.id, c.total_minor, c.discount_minor, c.gift_minor, l.amount, v.coupons, v.cards)
      FROM rewards.checkout c
     CROSS JOIN LATERAL (SELECT sum((e ->> 4)::bigint) AS amount FROM jsonb_array_elements(c.lines) e) l
      LEFT JOIN (SELECT r.checkout_id, coalesce(sum(r.amount_minor) FILTER (WHERE g.kind = 'coupon'), 0) AS coupons,
                        coalesce(sum(r.amount_minor) FILTER (WHERE g.kind = 'gift_card'), 0) AS cards
                   FROM rewards.redemption r JOIN rewards.campaign g ON g.id = r.campaign_id GROUP BY 1) v
        ON v.checkout_id = c.id
     WHERE (l.amount, coalesce(v.coupons, 0), coalesce(v.cards, 0))
           IS DISTINCT FROM (c.total_minor, c.discount_minor, c.gift_minor)
     ORDER BY c.id LIMIT 1
"""

# What moved is what the vouchers and the wallet gave: the rest was collected by the till itself.
_PAYMENTS = """
    SELECT format('checkout %s of %s left %s to its till, its payment is of %s', c.id, c.total_minor, c.at_till_minor,
                  coalesce(t.details ->> 'amount_minor', 'nothing'))
      FROM rewards.checkout c LEFT JOIN wallet.transfer t ON t.id = c.transfer_id AND t.state = 'posted'
     WHERE coalesce((t.details ->> 'amount_minor')::bigint, 0) <> c.total_minor - c.at_till_minor
     ORDER BY c.id LIMIT 1
"""

_AT_TILLS = """
    SELECT format('till of checkout %s collected %s and gave %s back, of %s of %s in all', c.id, c.at_till_minor,
                  b.at_till, c.back_minor, c.total_minor)
      FROM rewards.checkout c
      JOIN (SELECT checkout_id, sum(at_till_minor) AS at_till FROM rewards.rollback GROUP BY 1) b
        ON b.checkout_id = c.id
     WHERE b.at_till > c.at_till_minor OR c.back_minor = c.total_minor AND b.at_till <> c.at_till_minor
     ORDER BY c.id LIMIT 1
"""

# By account: two codes of one campaign in a basket take from one budget.
_LEDGER = """
    SELECT format('redemptions of transfer %s took %s from %s, the ledger %s', r.transfer_id, r.amount, r.owner,
                  s.amount)
      FROM (SELECT r.transfer_id, r.currency, sum(r.amount_minor) AS amount,
                   CASE WHEN c.kind = 'coupon' THEN 'campaign:' || r.campaign_id ELSE 'voucher:' || r.voucher_id END
                   AS owner
              FROM rewards.redemption r JOIN rewards.campaign c ON c.id = r.campaign_id
             WHERE r.amount_minor > 0 GROUP BY r.transfer_id, r.currency, owner) r
      LEFT JOIN (SELECT s.transfer_id, a.owner, a.asset, s.amount
                   FROM wallet.source s JOIN wallet.account a ON a.id = s.account_id
                  WHERE a.purpose IN ('budget', 'gift')) s
        ON s.transfer_id = r.transfer_id AND s.owner = r.owner AND s.asset = r.currency
     WHERE s.amount IS DISTINCT FROM r.amount
     ORDER BY r.transfer_id LIMIT 1
"""

# A hold outlives its reservation's time, so that both end together.
_RESERVATIONS = """
    SELECT format('reservation %s is %s and holds %s, its vouchers give %s, its hold %s', r.id, r.state,
                  r.discount_minor + r.gift_minor, coalesce(u.amount, 0), coalesce(h.held, 0))
      FROM rewards.reservation r
      LEFT JOIN (SELECT reservation_id, sum(amount_minor) AS amount FROM rewards.reserved_use GROUP BY 1) u
        ON u.reservation_id = r.id
      LEFT JOIN (SELECT id, amount - captured - voided AS held, ended_by FROM wallet.hold) h ON h.id = r.hold_id
     WHERE coalesce(u.amount, 0) <> r.discount_minor + r.gift_minor
        OR coalesce(h.held, 0) <> CASE WHEN r.state = 'open' AND h.ended_by IS DISTINCT FROM 'expired'
                                       THEN coalesce(u.amount, 0) ELSE 0 END
     ORDER BY r.id LIMIT 1
"""

_TRANSFERS = """
    SELECT format('transfer %s redeems a voucher, and no redemption names it', t.id)
      FROM wallet.transfer t LEFT JOIN rewards.redemption r ON r.transfer_id = t.id
     WHERE t.kind = 'redemption' AND t.state = 'posted' AND t.parent_id IS NULL AND r.id IS NULL
     ORDER BY t.id LIMIT 1
"""

_BACKS = """
    SELECT format('redemption %s is %s and %s of %s went back, its rollbacks gave %s back', r.id, r.state, r.back_minor,
                  r.amount_minor, coalesce(b.amount, 0))
      FROM rewards.redemption r
      LEFT JOIN (SELECT (e ->> 0)::uuid AS id, sum((e ->> 1)::bigint) AS amount, bool_or((e ->> 2)::boolean) AS is_whole
                   FROM rewards.rollback b CROSS JOIN LATERAL jsonb_array_elements(b.redemptions) e GROUP BY 1) b
        ON b.id = r.id
     WHERE r.back_minor <> coalesce(b.amount, 0)
        OR r.state <> CASE WHEN b.is_whole THEN 'rolled_back' WHEN b.id IS NULL THEN 'succeeded'
                           ELSE 'partially_rolled_back' END
        OR (r.state = 'rolled_back' AND r.back_minor <> r.amount_minor)
     ORDER BY r.id LIMIT 1
"""

_LINES_BACK = """
    SELECT format('%s of checkout %s went back, of its lines %s', c.back_minor, c.id, coalesce(l.amount, 0))
      FROM rewards.checkout c
      LEFT JOIN (SELECT checkout_id, sum(back_minor) AS amount FROM rewards.checkout_line_back GROUP BY 1) l
        ON l.checkout_id = c.id
     WHERE c.back_minor <> coalesce(l.amount, 0)
     ORDER BY c.id LIMIT 1
"""

# Of a checkout some may have been refunded by amount, which knows no lines.
_LEDGER_BACK = """
    SELECT format('%s of redemption %s went back, by the ledger %s', r.back_minor, r.id, s.refunded)
      FROM rewards.redemption r JOIN wallet.source s ON s.transfer_id = r.transfer_id
     WHERE r.checkout_id IS NULL AND s.refunded <> r.back_minor
     ORDER BY r.id LIMIT 1
"""

#: Each is answered by joins of whole tables, and gives a row only when something differs.
QUESTIONS = (
    _COUNTERS,
    _CARDS,
    _USES,
    _ALLOCATIONS,
    _LINES,
    _CHECKOUTS,
    _PAYMENTS,
    _AT_TILLS,
    _LEDGER,
    _RESERVATIONS,
    _TRANSFERS,
    _BACKS,
    _LINES_BACK,
    _LEDGER_BACK,
    *offline.QUESTIONS,
)
