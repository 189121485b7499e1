"""Two ready-made journeys that run on the real days with a fifth of their customers held out, and a third one's draft.

Whom they write to cannot answer, since they shopped in 2017. So what the two cause is known beforehand: nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.demo.source import Product
from app.demo.source_files import Window
from core.db import transaction
from engage import journeys
from engage.journeys import drawing
from engage.results import plans, prices
from engage.results.prices import Price
from insights.segments import saved
from rewards import campaigns
from rewards.campaigns import Draft

#: Nearly everybody buys bread, and half of them do for weeks before they buy something to put on it.
CATEGORY, PARTNER = "BAKED BREAD/BUNS/ROLLS", "PNT BTR/JELLY/JAMS"

#: A tenth is usual. Of the thousand or so that a month has room for, a tenth are a hundred: by chance often fewer, and
#: then nothing is told.
HOLDOUT_BPS = 2_000

#: A year has room for windows of a month; a month hardly for windows of a week.
_LONG_PLAY = timedelta(days=90)
_LAPSED, _LAPSED_SHORT = 45, 7
_OUTCOME, _OUTCOME_SHORT = 30, 7

#: Made up, in millionths of a dollar by (channel, country): what a list of some provider might say.
_PRICES = {("sms", "US"): 7_900, ("sms", ""): 40_000, ("whatsapp", ""): 25_000, ("push", ""): 0}

_BUDGET_MINOR = 100_000_00
_CAMPAIGN_LASTS = timedelta(days=365 * 40)


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """lapsing_id: drawn and never published"""

    cross_sell_id: UUID
    win_back_id: UUID
    lapsing_id: UUID


def publish(products: Sequence[Product], window: Window, *, currency: str, actor: str, now: datetime) -> Lifecycle:
    """Draw all three as staff would, from the ready-made ones, publish two, and fix how their effects are measured."""
    is_long = window.last - window.first >= _LONG_PLAY
    days = _OUTCOME if is_long else _OUTCOME_SHORT
    partner = tuple([product.sku for product in products if product.category == PARTNER])
    with_it = _coupon("Something to put on your bread", 1_00, partner, currency=currency, actor=actor, now=now)
    again = _coupon("Come back", 5_00, None, currency=currency, actor=actor, now=now)
    lapsed_days = _LAPSED if is_long else _LAPSED_SHORT
    lapsed = {"event": "order.completed", "last": "more_than", "days": lapsed_days}
    ends_soon = {"voucher": {}, "expires_within_days": 3}
    with transaction() as session:
        name = f"No order in {lapsed_days} days"
        saved.create(session, key="lapsed", name=name, condition=lapsed, actor=actor, now=now)
        name = "A voucher ends within three days"
        saved.create(session, key="voucher_ends_soon", name=name, condition=ends_soon, actor=actor, now=now)

    values = {"campaign_id": str(with_it), "category": CATEGORY, "partner": PARTNER}
    cross_sell_id = _draw("cross_sell", values, days=days, actor=actor, now=now)
    values = {"campaign_id": str(again), "segment": "lapsed"}
    win_back_id = _draw("win_back", values, days=days, actor=actor, now=now)
    lapsing_id = _draw("lapsing_voucher", {"segment": "voucher_ends_soon"}, days=days, actor=actor, now=now)
    for journey_id in (cross_sell_id, win_back_id):
        with transaction() as session:
            journeys.publish(session, journey_id=journey_id, actor=actor, now=now)
    with transaction() as session:
        prices.put(
            session, [Price(*each, now.date(), micros) for each, micros in _PRICES.items()], actor=actor, now=now
        )
    plans.fix_due(now)
    return Lifecycle(cross_sell_id, win_back_id, lapsing_id)


def _coupon(
    name: str, amount_minor: int, skus: tuple[str, ...] | None, *, currency: str, actor: str, now: datetime
) -> UUID:
    draft = Draft(
        name=name,
        kind="coupon",
        discount={"kind": "amount", "amount_minor": amount_minor},
        currency=currency,
        starts_at=now,
        ends_at=now + _CAMPAIGN_LASTS,
        voucher_days=14,
        skus=skus,
        limit_per_customer=None,
        budget_minor=_BUDGET_MINOR,
        starts_now=True,
    )
    with transaction() as session:
        return campaigns.create(session, draft, actor=actor, now=now)


def _draw(ready: str, values: dict[str, str], *, days: int, actor: str, now: datetime) -> UUID:
    written: dict[str, Any] = {"ready": ready, "values": values, "holdout_bps": HOLDOUT_BPS, "outcome_days": days}
    with transaction() as session:
        return drawing.begin(session, written, actor=actor, now=now).id
