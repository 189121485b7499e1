"""The real campaigns by the files alone: what of each was redeemed, and what a simulation of it has to find.

A campaign is simulated as one coupon: for the households that it targeted, over all products that its coupons cover,
taking off a basket what the till's price list takes off them. It is used with each basket off which that takes
something, whether or not anybody showed a coupon of this campaign.
"""

from dataclasses import dataclass
from datetime import date

from app.demo.source import RUNS
from app.demo.source_files import Files, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCampaign:
    """A campaign over those of its days that lie in the window; money in cents.

    shape  fitting: baskets of the targeted that hold a product of it; uses, cost_minor: of them, those off which the
           price list takes something; used_days: with such a basket
           redemptions, redeemed_in (baskets), redeemed_minor, redeemed_days: of its coupons
           matched: baskets that were redeemed in, and off which the price list takes something
    """

    number: int
    kind: str
    first: date
    last: date
    targets: int
    skus: tuple[str, ...]
    fitting: int
    uses: int
    cost_minor: int
    used_days: int
    redemptions: int
    redeemed_in: int
    redeemed_minor: int
    redeemed_days: int
    matched: int

    @property
    def of_nothing(self) -> int:
        """Baskets that were redeemed in, though nothing was taken off a product of the campaign."""
        return self.redeemed_in - self.matched

    @property
    def of_others(self) -> int:
        """Baskets off which something was taken without a coupon of this campaign."""
        return self.uses - self.matched


def past_campaigns(files: Files, window: Window) -> list[PastCampaign]:
    """The campaigns that run on a day of the window, by number; about a second for the year."""
    cursor = files.cursor().execute(_CAMPAIGNS, {"first": window.first, "last": window.last})
    names = [column[0] for column in cursor.description or []]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return [PastCampaign(**(row | {"skus": tuple(row["skus"])})) for row in rows]


_CAMPAIGNS = f"""
with running as (
    select campaign_id, campaign_type as kind, greatest(first_day, $first) as first, least(last_day, $last) as last
    from campaign c where {RUNS}
), scope as (
    select distinct campaign_id, product_id from cover where campaign_id in (select campaign_id from running)
), fit as (
    select r.campaign_id, b.basket_id, b.local_day, least(sum(l.coupon_disc_minor), any_value(b.total_minor)) as worth
    from running r join campaigns t using (campaign_id)
    join basket b on b.household_id = t.household_id and b.local_day between r.first and r.last
    join line l on l.basket_id = b.basket_id
    join scope s on s.campaign_id = r.campaign_id and s.product_id = l.product_id
    group by all
), used as (
    select campaign_id, basket_id, count(*) as redemptions, sum(value_minor) as value_minor,
           any_value(local_day) as local_day
    from redemption where local_day between $first and $last group by all
), fitted as (
    select campaign_id, count(*) as fitting, count(*) filter (worth > 0) as uses, sum(worth)::bigint as cost_minor,
           count(distinct local_day) filter (worth > 0) as used_days
    from fit group by 1
), redeemed as (
    select u.campaign_id, sum(redemptions)::bigint as redemptions, count(*) as redeemed_in,
           sum(value_minor)::bigint as redeemed_minor, count(distinct u.local_day) as redeemed_days,
           count(*) filter (f.worth > 0) as matched
    from used u left join fit f using (campaign_id, basket_id) group by 1
)
select r.campaign_id as number, r.kind, r.first, r.last,
       (select count(*) from campaigns t where t.campaign_id = r.campaign_id) as targets,
       (select list(product_id::varchar order by product_id) from scope s where s.campaign_id = r.campaign_id) as skus,
       coalesce(fitting, 0) as fitting, coalesce(uses, 0) as uses, coalesce(cost_minor, 0) as cost_minor,
       coalesce(used_days, 0) as used_days, coalesce(redemptions, 0) as redemptions,
       coalesce(redeemed_in, 0) as redeemed_in, coalesce(redeemed_minor, 0) as redeemed_minor,
       coalesce(redeemed_days, 0) as redeemed_days, coalesce(matched, 0) as matched
from running r left join fitted using (campaign_id) left join redeemed using (campaign_id)
order by r.campaign_id
"""
