"""What customers were owed at an instant, beside what our books say that the provider held."""

from dataclasses import dataclass
from datetime import datetime

from core.db import Connection


@dataclass(frozen=True, slots=True)
class Figures:
    """One asset at the end of a business instant, in its minor units.

    cash         what customers paid in and have not spent; held money is part of it
    gift_cards   what stands on gift cards and was paid for with money, not given by the brand
    promotional  what the brand gave: promotional value, points, the rest of the gift cards
    debts        what customers owe us; it makes nothing smaller that another customer is owed
    merchants    what merchants are owed; shown, but not counted as customers' money
    booked       what the provider should hold by our books
    """

    asset: str
    cash: int
    gift_cards: int
    promotional: int
    debts: int
    merchants: int
    booked: int

    @property
    def owed(self) -> int:
        return self.cash + self.gift_cards


def at_instant(connection: Connection, at: datetime) -> list[Figures]:
    """Of every asset, from the entries effective up to and including the instant.

    A gift card filled 30.00 by a budget and 20.00 by a customer, with 25.00 left, counts 10.00 as paid (rounded up).
    """
    return [Figures(*row) for row in connection.execute(_FIGURES, {"at": at})]


# A card's origin: what filled it, refunds left out. Only money that came in makes it a paid one: a customer's, or what
# a merchant took for it at a till and owes us.
_FIGURES = """
    WITH standing AS MATERIALIZED (
        SELECT s.account_id, s.amount, a.asset, a.purpose, split_part(a.owner, ':', 1) AS owner_kind
          FROM (SELECT account_id, sum(amount) AS amount FROM wallet.entry WHERE effective_at <= %(at)s
                 GROUP BY account_id) s
          JOIN wallet.account a ON a.id = s.account_id AND a.asset <> 'XTS'
         WHERE s.amount <> 0
    ), origin AS (
        SELECT e.account_id, sum(e.amount * source.paid / source.given) AS paid, sum(e.amount) AS filled
          FROM standing s
          JOIN wallet.entry e ON e.account_id = s.account_id AND e.amount > 0
          JOIN wallet.transfer t ON t.id = e.transfer_id AND t.parent_id IS NULL
         CROSS JOIN LATERAL (
               SELECT coalesce(sum(x.amount) FILTER (WHERE xa.purpose IN ('cash', 'provider', 'payable')), 0) AS paid,
                      sum(x.amount) AS given
                 FROM wallet.entry x JOIN wallet.account xa ON xa.id = x.account_id AND xa.asset = s.asset
                WHERE x.transfer_id = e.transfer_id AND x.amount < 0) source
         WHERE s.purpose = 'gift' AND s.amount > 0
         GROUP BY e.account_id
    ), counted AS (
        SELECT s.*, CASE WHEN s.purpose <> 'gift' THEN 0
                         ELSE coalesce(ceil(s.amount * o.paid / o.filled), s.amount) END AS paid_gift
          FROM standing s LEFT JOIN origin o USING (account_id)
    )
    SELECT asset,
           coalesce(sum(amount) FILTER (
               WHERE owner_kind = 'customer' AND purpose NOT IN ('promotional', 'points', 'debt')), 0)::bigint,
           coalesce(sum(paid_gift), 0)::bigint,
           coalesce(sum(amount - paid_gift) FILTER (
               WHERE purpose = 'gift' OR owner_kind = 'customer' AND purpose IN ('promotional', 'points')), 0)::bigint,
           coalesce(-sum(amount) FILTER (WHERE purpose = 'debt'), 0)::bigint,
           coalesce(sum(amount) FILTER (WHERE purpose = 'payable' AND amount > 0), 0)::bigint,
           coalesce(-sum(amount) FILTER (WHERE owner_kind = 'brand' AND purpose = 'provider'), 0)::bigint
      FROM counted
     GROUP BY asset
     ORDER BY asset
"""
