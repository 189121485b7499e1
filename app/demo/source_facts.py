"""What the files themselves say about a window of days: the column *source* of the demo's table."""

from dataclasses import dataclass, fields

from app.demo.source import RUNS
from app.demo.source_files import Files, Window

# Where the data itself parts: 94 lines lie between 25 and 99, 15 between 100 and 999, 13,495 above. Nearly all of those
# are fuel and miscellaneous items at the pump, counted in some smaller unit that the files don't name.
HUGE_QUANTITY = 1_000


@dataclass(frozen=True, slots=True)
class Facts:
    """Figures of one window; money in cents.

    shape    households, stores: those with a basket in the window
             campaigns to targets: of campaigns that run on a day of the window
             used_twice: (household, campaign, coupon) with two redemptions in the window
             redeemed_minor: what the coupons pay, after the cap; the wallets pay sales_minor less this
             below: dirt, counted and never dropped. zero_value_lines are zero in the files; dust_value_lines are
             not, but come to no cent either (0.0000000000000018): our tables show both as 0
    """

    households: int
    stores: int
    baskets: int
    zero_baskets: int
    lines: int
    sales_minor: int
    products_bought: int
    campaigns: int
    coupon_pairs: int
    coupons: int
    products_covered: int
    targets: int
    redemptions: int
    redeeming_households: int
    redemptions_with_covered_line: int
    used_twice: int
    redeemed_minor: int
    zero_quantity_lines: int
    zero_value_lines: int
    dust_value_lines: int
    huge_quantity_lines: int
    largest_quantity: int
    unlisted_lines: int
    coupon_above_line: int

    @property
    def paid_baskets(self) -> int:
        """Baskets that come to more than zero: the others are announced, but nothing is paid for them."""
        return self.baskets - self.zero_baskets


def facts(files: Files, window: Window) -> Facts:
    """Every figure of the window, from the Parquet files alone; about a quarter of a second for the year."""
    found: dict[str, int] = {}
    for statement in (_OF_BASKETS, _OF_LINES, _OF_CAMPAIGNS, _OF_REDEMPTIONS):
        cursor = files.cursor().execute(statement, {"first": window.first, "last": window.last})
        row = cursor.fetchone()
        assert row is not None  # an aggregate always answers with one row
        found |= {column[0]: value for column, value in zip(cursor.description or [], row, strict=True)}
    return Facts(**{field.name: found[field.name] for field in fields(Facts)})


_OF_BASKETS = """
select count(distinct household_id) as households, count(distinct store_id) as stores, count(*) as baskets,
       count(*) filter (total_minor = 0) as zero_baskets, coalesce(sum(total_minor), 0)::bigint as sales_minor
from basket where local_day between $first and $last
"""

_OF_LINES = f"""
select count(*) as lines, count(distinct product_id) as products_bought,
       count(*) filter (quantity = 0) as zero_quantity_lines,
       count(*) filter (sales_value = 0) as zero_value_lines,
       count(*) filter (sales_value <> 0 and amount_minor = 0) as dust_value_lines,
       count(*) filter (quantity >= {HUGE_QUANTITY}) as huge_quantity_lines,
       coalesce(max(quantity), 0) as largest_quantity,
       count(*) filter (not is_listed) as unlisted_lines,
       count(*) filter (coupon_disc_minor > amount_minor) as coupon_above_line
from line where basket_id in (select basket_id from basket where local_day between $first and $last)
"""

_OF_CAMPAIGNS = f"""
with running as (select c.campaign_id from campaign c where {RUNS}),
     covered as (select * from cover where campaign_id in (select campaign_id from running))
select (select count(*) from running) as campaigns,
       (select count(*) from (select distinct campaign_id, coupon_upc from covered)) as coupon_pairs,
       (select count(distinct coupon_upc) from covered) as coupons,
       (select count(distinct product_id) from covered) as products_covered,
       (select count(*) from campaigns where campaign_id in (select campaign_id from running)) as targets
"""

_OF_REDEMPTIONS = """
with used as (select * from redemption where local_day between $first and $last)
select count(*) as redemptions, count(distinct household_id) as redeeming_households,
       count(*) filter (covered_lines > 0) as redemptions_with_covered_line,
       (select count(*) from (select 1 from used group by household_id, campaign_id, coupon_upc having count(*) = 2))
           as used_twice,
       coalesce(sum(value_minor), 0)::bigint as redeemed_minor
from used
"""
