"""The files' campaign-and-coupon pairs as coupon campaigns: scoped, funded and meant for the targeted households.

What holds for every real redemption is made a term, so that the engine has to decide it: at the grocer's stores only,
once a day and twice in all by each household, and no more often than that by all of the targeted.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

from app.demo import batches, windows
from app.demo.source import CouponCampaign
from core.db import transaction
from rewards import audiences, campaigns
from rewards.campaigns import Draft

AT_ONCE = 40
#: A coupon's takings come to 28.40 at most over the year, so no budget here ever runs out.
BUDGET_MINOR = 100_00
USES_EACH = 2


def create(
    pairs: Sequence[CouponCampaign],
    customers: Mapping[int, UUID],
    *,
    merchant_id: UUID,
    currency: str,
    actor: str,
    now: datetime,
) -> Iterator[dict[tuple[int, int], UUID]]:
    """Create one campaign a pair; the pairs of a campaign share its audience. Yields ids by (campaign, coupon)."""
    for _, of_campaign in groupby(pairs, lambda pair: pair.campaign_id):
        alike = list(of_campaign)
        with transaction() as session:
            audience_id = audiences.create(session, [customers[number] for number in alike[0].targets], now=now)
        for batch in batches.of(alike, AT_ONCE):
            drafts = [_draft(pair, audience_id, merchant_id=merchant_id, currency=currency) for pair in batch]
            with transaction() as session:
                made = campaigns.create_all(session, drafts, actor=actor, now=now)
            yield {(pair.campaign_id, pair.coupon_upc): id_ for pair, id_ in zip(batch, made, strict=True)}


def _draft(pair: CouponCampaign, audience_id: UUID, *, merchant_id: UUID, currency: str) -> Draft:
    return Draft(
        name=f"{pair.kind}, campaign {pair.campaign_id}, coupon {pair.coupon_upc}",
        kind="coupon",
        # The till's price list says what a coupon takes off a line. 263 real redemptions took nothing off any line.
        discount={"kind": "lines", "needs_covered_line": False},
        currency=currency,
        starts_at=windows.midnight(pair.first_day),
        ends_at=windows.midnight(pair.last_day + timedelta(days=1)),
        skus=pair.skus,
        rule={"fact": "store.merchant_id", "is": "equals", "value": str(merchant_id)},
        limit_total=USES_EACH * len(pair.targets),
        limit_per_customer=USES_EACH,
        limits=[{"scope": "customer", "measure": "uses", "period": "day", "most": 1}],
        audience_id=audience_id,
        budget_minor=BUDGET_MINOR,
        starts_now=True,
    )
