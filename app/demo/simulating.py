"""The real campaigns of 2017, simulated over the days that were played: what each draft says beside what happened.

Each becomes one draft, with its households, its products and no money, and is played by the worker's own work as staff
would have it done. Nothing of it changes a figure of the table: the drafts stay drafts.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.demo import windows
from app.demo.source_campaigns import PastCampaign
from app.demo.stage import Scene
from app.demo.telling import Section, money
from core.db import transaction
from rewards import campaigns
from rewards.campaigns import Draft
from rewards.models import Campaign
from rewards.simulation import runs, work

#: What the till's price list takes off the lines, as the campaigns' own coupons do.
_PRICE_LIST = {"kind": "lines", "needs_covered_line": True}
_EVERYONE = 10_000


class SimulationFailed(Exception):
    """A simulation came to no result."""


def simulate(scene: Scene, past: PastCampaign, *, actor: str, now: datetime) -> tuple[UUID, dict[str, Any]]:
    """Simulate a campaign over its own days; the simulation and what it has found.

    raises  SimulationFailed
    """
    with transaction() as session:
        campaign_id = campaigns.create(
            session, _draft(scene, past, _audience(session, scene, past)), actor=actor, now=now
        )
        asked = runs.ask(
            session,
            campaign_id=campaign_id,
            since=windows.midnight(past.first) - timedelta(microseconds=1),
            until=windows.midnight(past.last + timedelta(days=1)) - timedelta(microseconds=1),
            take_up_bps=_EVERYONE,
            actor=actor,
            now=now,
        ).id
    work.play_due(now)
    with transaction() as session:
        made = runs.find(session, asked)
        if made.result is None:
            raise SimulationFailed(f"the simulation of campaign {past.number} is {made.state}: {made.last_error}")
        return made.id, made.result


def told(found: Sequence[tuple[PastCampaign, dict[str, Any]]]) -> Section:
    """What all simulations together have to tell."""
    largest, _ = max(found, key=lambda each: each[0].redemptions)
    take_up = f"{largest.redeemed_in / largest.fitting:.1%}" if largest.fitting else "nothing"
    return Section(
        title="The real campaigns, simulated",
        words="Each campaign of 2017 as a draft of one coupon, played over the baskets of its own days: what the\n"
        "simulation says that it would be used for, beside what the replay has really redeemed.",
        headings=("campaign", "its days", "redeemed", "in baskets", "for", "on days", "less", "plus", "simulated uses",
                  "for", "on days"),
        rows=[*[_row(past, result) for past, result in found], _sum(found)],
        sums=1,
        notes=(
            "in baskets: a household shows several coupons of a campaign at once, and a simulated one is used once a "
            "basket.",
            "less: baskets in which a coupon was redeemed that took nothing off. A voucher that was shown counts as a "
            "redemption; a simulation counts no use that is worth nothing.",
            "plus: baskets of the same households off whose products the till took something without a coupon of this "
            "campaign: by another campaign's, or one out of a newspaper. A simulation supposes that whoever fits uses "
            "it, since past baskets cannot tell who would have cut a coupon out.",
            "So redeemed baskets - less + plus = simulated uses, counted here by the files and by the simulation "
            "apart from each other; `demo check` compares them.",
            f"What to make of it: of the {largest.fitting:,} baskets that held a product of campaign {largest.number}, "
            f"{largest.redeemed_in:,} brought a coupon of it. {take_up} is the take-up to ask a simulation for when "
            "the next campaign of its kind is planned.",
        ),
    )  # fmt: skip


def _audience(session: Session, scene: Scene, past: PastCampaign) -> UUID:
    """The households that it targeted, as its coupons know them."""
    pair = next(id_ for (number, _), id_ in scene.offers.items() if number == past.number)
    found: UUID | None = session.scalar(select(Campaign.audience_id).where(Campaign.id == pair))
    assert found, "every coupon has an audience"
    return found


def _draft(scene: Scene, past: PastCampaign, audience_id: UUID) -> Draft:
    return Draft(
        name=f"Campaign {past.number} as one coupon",
        kind="coupon",
        discount=_PRICE_LIST,
        currency=scene.currency,
        starts_at=windows.midnight(past.first),
        ends_at=windows.midnight(past.last + timedelta(days=1)),
        skus=past.skus,
        limit_per_customer=None,
        audience_id=audience_id,
    )


def _row(past: PastCampaign, result: dict[str, Any]) -> list[str]:
    days = sum([each["uses"] > 0 for each in result["days"]])
    return [
        f"{past.number} ({past.kind})",
        f"{past.first:%b %d} – {past.last:%b %d}",
        f"{past.redemptions:,}",
        f"{past.redeemed_in:,}",
        money(past.redeemed_minor),
        f"{past.redeemed_days}",
        f"{past.of_nothing:,}",
        f"{past.of_others:,}",
        f"{result['uses']:,}",
        money(result["cost"]["amount_minor"]),
        f"{days}",
    ]


def _sum(found: Sequence[tuple[PastCampaign, dict[str, Any]]]) -> list[str]:
    def of(name: str) -> int:
        return sum([getattr(past, name) for past, _ in found])

    uses = sum([result["uses"] for _, result in found])
    cost = sum([result["cost"]["amount_minor"] for _, result in found])
    redeemed = [f"{of('redemptions'):,}", f"{of('redeemed_in'):,}", money(of("redeemed_minor")), ""]
    return [
        f"{len(found)} campaigns", "", *redeemed, f"{of('of_nothing'):,}", f"{of('of_others'):,}", f"{uses:,}",
        money(cost), "",
    ]  # fmt: skip
