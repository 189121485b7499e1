"""What the brand owes the holders of gift cards: how old it is, whose money stands behind it, and what is likely never
to be spent.

Everything is read from the ledger's entries up to a business instant, so that it always sums to the ledger.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of
from core.money import share
from rewards.campaigns import funders
from rewards.campaigns.funders import Shares
from rewards.gift_cards import merging

#: Ages in days since the value came onto its card: [from, to), the last one without an end.
AGES: tuple[tuple[int, int | None], ...] = ((0, 30), (30, 90), (90, 365), (365, 730), (730, None))

#: Value that came onto cards at least so long ago tells how much of it is never spent.
OBSERVED_AFTER_DAYS = 730

CUSTOMERS = "customers"

METHOD = (
    "Of all value that came onto cards whose first value is at least 730 days old, the share that was not spent since: "
    "it still stands there or has lapsed. That share of what is outstanding now is expected never to be spent. Value "
    "that was merged onto another card counts where it is. Where nothing is that old, none is expected."
)


@dataclass(frozen=True, slots=True)
class AgeLine:
    from_days: int
    to_days: int | None
    amount_minor: int


@dataclass(frozen=True, slots=True)
class FunderLine:
    """funder: "customers" for what was paid for with money, else who bears what was given ("brand", "merchant:<id>")"""

    funder: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakage:
    """units  unspent_bps: of the value that was observed; expected_minor: that share of what is outstanding"""

    observed_minor: int
    unspent_minor: int
    unspent_bps: int
    expected_minor: int
    method: str = METHOD


@dataclass(frozen=True, slots=True, kw_only=True)
class Liability:
    """Of one currency; by_age and by_funder sum to outstanding_minor. cards: those that hold something."""

    currency: str
    cards: int
    outstanding_minor: int
    by_age: Sequence[AgeLine]
    by_funder: Sequence[FunderLine]
    breakage: Breakage


@dataclass(slots=True)
class _Sums:
    cards: int = 0
    ages: list[int] = field(default_factory=lambda: [0] * len(AGES))
    funders: dict[str, int] = field(default_factory=dict)
    observed: int = 0
    unspent: int = 0

    def fund(self, funder: str, amount: int) -> None:
        self.funders[funder] = self.funders.get(funder, 0) + amount


def of(session: Session, *, as_of: datetime) -> list[Liability]:
    """What is outstanding on gift cards by the end of a business instant, by currency.

    effects  reads only; sets the transaction to one snapshot, so it comes first in it
    """
    connection = connection_of(session)
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    sums: dict[str, _Sums] = {}
    for currency, age, amount in connection.execute(_AGES, [as_of, as_of, [since for since, _ in AGES], as_of]):
        sums.setdefault(currency, _Sums()).ages[age] += amount
    given: list[tuple[str, UUID | None, int]] = []
    for currency, campaign_id, cards, paid, rest in connection.execute(_FUNDERS, [as_of, as_of]):
        found = sums.setdefault(currency, _Sums())
        found.cards += cards
        found.fund(CUSTOMERS, paid)
        given.append((currency, campaign_id, rest))
    shares = funders.of_many(session, [campaign_id for _, campaign_id, _ in given if campaign_id is not None])
    for currency, campaign_id, rest in given:
        for funder, amount in _split(shares.get(campaign_id, ()) if campaign_id else (), rest).items():
            sums[currency].fund(funder, amount)
    for currency, observed, unspent in connection.execute(_OBSERVED, _observing(as_of)):
        found = sums.setdefault(currency, _Sums())
        found.observed, found.unspent = observed, unspent
    return [_told(currency, sums[currency]) for currency in sorted(sums)]


def _told(currency: str, found: _Sums) -> Liability:
    outstanding = sum(found.ages)
    bps = found.unspent * 10_000 // found.observed if found.observed else 0
    return Liability(
        currency=currency,
        cards=found.cards,
        outstanding_minor=outstanding,
        by_age=[AgeLine(*age, amount) for age, amount in zip(AGES, found.ages, strict=True)],
        by_funder=[FunderLine(funder, amount) for funder, amount in sorted(found.funders.items()) if amount],
        breakage=Breakage(
            observed_minor=found.observed,
            unspent_minor=found.unspent,
            unspent_bps=bps,
            expected_minor=share(outstanding, bps=bps),
        ),
    )


def _split(of: Shares, amount: int) -> dict[str, int]:
    return funders.split(of, amount) if amount else {}


def _observing(as_of: datetime) -> dict[str, object]:
    return {"at": as_of, "days": OBSERVED_AFTER_DAYS, "merge": merging.KIND}


# What stands on each card, oldest value spent first: of what came onto it, the latest is what is left.
_AGES = """
    WITH standing AS (
        SELECT a.id, a.asset, sum(e.amount) AS amount
          FROM wallet.account a JOIN wallet.entry e ON e.account_id = a.id AND e.effective_at <= %s
         WHERE a.purpose = 'gift' AND a.asset <> 'XTS'
         GROUP BY a.id HAVING sum(e.amount) <> 0
    ), filled AS (
        SELECT s.asset, e.effective_at, e.amount,
               s.amount - coalesce(sum(e.amount) OVER (PARTITION BY s.id ORDER BY e.effective_at DESC, e.version DESC
                                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS rest
          FROM standing s JOIN wallet.entry e ON e.account_id = s.id AND e.effective_at <= %s AND e.amount > 0
    )
    SELECT asset, width_bucket(d.days, %s::int[]) - 1, sum(least(amount, rest))::bigint
      FROM filled, LATERAL (SELECT extract(day FROM %s::timestamptz - effective_at)::int AS days) d
     WHERE rest > 0
     GROUP BY 1, 2
"""

# What was paid for with money, card by card, as the safeguarding figures have it (decision 0011).
_FUNDERS = """
    WITH standing AS MATERIALIZED (
        SELECT a.id, a.asset, a.owner, sum(e.amount) AS amount
          FROM wallet.account a JOIN wallet.entry e ON e.account_id = a.id AND e.effective_at <= %s
         WHERE a.purpose = 'gift' AND a.asset <> 'XTS'
         GROUP BY a.id HAVING sum(e.amount) <> 0
    ), origin AS (
        SELECT s.id, sum(e.amount * source.paid / source.given) AS paid, sum(e.amount) AS filled
          FROM standing s
          JOIN wallet.entry e ON e.account_id = s.id AND e.amount > 0 AND e.effective_at <= %s
          JOIN wallet.transfer t ON t.id = e.transfer_id AND t.parent_id IS NULL
         CROSS JOIN LATERAL (
               SELECT coalesce(sum(x.amount) FILTER (WHERE xa.purpose IN ('cash', 'provider', 'payable')), 0) AS paid,
                      sum(x.amount) AS given
                 FROM wallet.entry x JOIN wallet.account xa ON xa.id = x.account_id AND xa.asset = s.asset
                WHERE x.transfer_id = e.transfer_id AND x.amount < 0) source
         GROUP BY s.id
    ), card AS (
        SELECT s.asset, v.campaign_id, s.amount,
               coalesce(ceil(s.amount * o.paid / o.filled), s.amount)::bigint AS paid
          FROM standing s
          LEFT JOIN origin o USING (id)
          LEFT JOIN rewards.voucher v
                 ON v.id = CASE WHEN s.owner LIKE 'voucher:%%' THEN split_part(s.owner, ':', 2)::uuid END
    )
    SELECT asset, campaign_id, count(*), sum(paid)::bigint, sum(amount - paid)::bigint FROM card GROUP BY 1, 2
"""

_OBSERVED = """
    WITH moved AS (
        SELECT a.id, a.asset, min(e.effective_at) AS first_at,
               coalesce(sum(e.amount) FILTER (WHERE e.amount > 0 AND t.parent_id IS NULL), 0)
                   + coalesce(sum(e.amount) FILTER (WHERE e.amount < 0 AND t.kind = %(merge)s), 0)
                   + coalesce(sum(e.amount) FILTER (WHERE e.amount < 0 AND t.parent_id IS NOT NULL), 0) AS filled,
               sum(e.amount) - coalesce(sum(e.amount) FILTER (WHERE t.kind = 'gift_card.lapse'), 0) AS unspent
          FROM wallet.account a
          JOIN wallet.entry e ON e.account_id = a.id AND e.effective_at <= %(at)s
          JOIN wallet.transfer t ON t.id = e.transfer_id
         WHERE a.purpose = 'gift' AND a.asset <> 'XTS'
         GROUP BY a.id)
    SELECT asset, coalesce(sum(filled), 0)::bigint, coalesce(sum(least(unspent, filled)), 0)::bigint
      FROM moved WHERE first_at <= %(at)s::timestamptz - make_interval(days => %(days)s) GROUP BY asset
"""
