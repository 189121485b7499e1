"""The real campaigns of 2017, simulated over the days that were played: what each draft says beside what happened.

Each becomes one draft, with its households, its products and no money, and is played by the worker's own work as staff
would have it done. Nothing of it changes a figure of the table: the drafts stay drafts.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.demo import windows
from app.demo.source_campaigns import PastCampaign
from app.demo.source_files import Window
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
#: Baskets that were redeemed in, from which on a campaign can teach and be foretold.
_LARGE = 100


class SimulationFailed(Exception):
    """A simulation came to no result."""


def simulate(scene: Scene, past: PastCampaign, *, actor: str, now: datetime) -> tuple[UUID, dict[str, Any]]:
    """Simulate a campaign over its own days, as if every basket that fits used it; its simulation and what that found.

    raises  SimulationFailed
    """
    span = (past.first, past.last)
    draft = {"name": f"Campaign {past.number} as one coupon", "discount": _PRICE_LIST}
    return _simulated(scene, past, draft, span, {"take_up_bps": _EVERYONE}, actor=actor, now=now)


def forecast(
    scene: Scene, past: Sequence[PastCampaign], window: Window, *, actor: str, now: datetime
) -> Section | None:
    """Plan a large campaign by what was known before it began: the baskets of as many days before, and the take-up of a
    large campaign that had ended by then. None where the window holds no such two.

    raises  SimulationFailed
    """
    found = teacher_and_pupil(past, window)
    if found is None:
        return None
    teacher, pupil = found
    days = (pupil.last - pupil.first).days + 1
    span = (pupil.first - timedelta(days=days), pupil.first - timedelta(days=1))
    off_minor = round(teacher.redeemed_minor / teacher.redeemed_in)
    take_up_bps = round(teacher.redeemed_in / teacher.fitting * 10_000)
    draft = {"name": f"Campaign {pupil.number}, planned", "discount": {"kind": "amount", "amount_minor": off_minor}}
    asked = {"take_up_bps": take_up_bps}
    _, result = _simulated(scene, pupil, draft, span, asked, actor=actor, now=now)
    half_minor = result["expected"]["cost"]["amount_minor"] // 2
    asked = {"take_up_bps": take_up_bps, "budget_minor": half_minor}
    _, short = _simulated(scene, pupil, draft, span, asked, actor=actor, now=now)
    return _planned(teacher, pupil, span, off_minor, result, half_minor, short)


def _simulated(
    scene: Scene,
    past: PastCampaign,
    draft: dict[str, Any],
    span: tuple[date, date],
    asked: dict[str, int],
    *,
    actor: str,
    now: datetime,
) -> tuple[UUID, dict[str, Any]]:
    since, until = windows.midnight(span[0]), windows.midnight(span[1] + timedelta(days=1))
    one = timedelta(microseconds=1)  # a span begins after `since` and ends with `until`
    with transaction() as session:
        made = _draft(scene, past, _audience(session, scene, past), draft)
        campaign_id = campaigns.create(session, made, actor=actor, now=now)
        simulation_id = runs.ask(
            session, campaign_id=campaign_id, since=since - one, until=until - one, **asked, actor=actor, now=now
        ).id
    work.play_due(now)
    with transaction() as session:
        played = runs.find(session, simulation_id)
        if played.result is None:
            raise SimulationFailed(f"the simulation of campaign {past.number} is {played.state}: {played.last_error}")
        return played.id, played.result


def teacher_and_pupil(past: Sequence[PastCampaign], window: Window) -> tuple[PastCampaign, PastCampaign] | None:
    """The largest campaign before whose first day the window has as many days as it lasts, behind the largest that had
    ended by then; None without such two."""
    large = sorted([each for each in past if each.redeemed_in >= _LARGE], key=lambda each: -each.redeemed_in)
    for pupil in large:
        days = pupil.last - pupil.first + timedelta(days=1)
        for teacher in large:
            if teacher.last < pupil.first and pupil.first - days >= window.first:
                return teacher, pupil
    return None


def told(found: Sequence[tuple[PastCampaign, dict[str, Any]]]) -> Section:
    """What all simulations together have to tell."""
    largest, _ = max(found, key=lambda each: each[0].redemptions)
    take_up = f"{largest.redeemed_in / largest.fitting:.1%}" if largest.fitting else "nothing"
    return Section(
        title="The real campaigns, simulated",
        words="Each campaign of 2017 as a draft of one coupon, played over the baskets of its own days: what the\n"
        "simulation says that it would be used for, beside what the replay has really redeemed.",
        headings=("campaign", "its days", "redeemed", "baskets", "for", "on days", "less", "plus", "simulated",
                  "for", "on days"),
        rows=[*[_row(past, result) for past, result in found], _sum(found)],
        sums=1,
        notes=(
            "baskets: a household shows several coupons of a campaign at once, and a simulated one is used once a "
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


def _draft(scene: Scene, past: PastCampaign, audience_id: UUID, terms: dict[str, Any]) -> Draft:
    return Draft(
        **terms,
        kind="coupon",
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
        f"{past.number} ({past.kind.removeprefix('Type ')})",
        f"{_day(past.first)}–{_day(past.last)}",
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


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"


def _sum(found: Sequence[tuple[PastCampaign, dict[str, Any]]]) -> list[str]:
    def of(name: str) -> int:
        return sum([getattr(past, name) for past, _ in found])

    uses = sum([result["uses"] for _, result in found])
    cost = sum([result["cost"]["amount_minor"] for _, result in found])
    redeemed = [f"{of('redemptions'):,}", f"{of('redeemed_in'):,}", money(of("redeemed_minor")), ""]
    return [
        f"all {len(found)}", "", *redeemed, f"{of('of_nothing'):,}", f"{of('of_others'):,}", f"{uses:,}",
        money(cost), "",
    ]  # fmt: skip


def _planned(
    teacher: PastCampaign, pupil: PastCampaign, span: tuple[date, date], off_minor: int, result: dict[str, Any],
    half_minor: int, short: dict[str, Any],
) -> Section:  # fmt: skip
    expected, confidence = result["expected"], result["confidence"]
    names = {each["name"].split(", coupon")[0] for each in result["overlaps"]}
    others = [name for name in sorted(names) if not name.endswith(f"campaign {pupil.number}")]
    busiest = max(result["days"], key=lambda day: day["qualifying"], default={"date": "none", "qualifying": 0})
    return Section(
        title=f"Campaign {pupil.number}, planned",
        words=f"What could have been known on {_day(pupil.first)}: {money(off_minor)} off any of its products for its\n"
        f"households, played over {_day(span[0])} to {_day(span[1])} with the take-up of campaign {teacher.number} "
        f"({teacher.redeemed_in / teacher.fitting:.2%}).",
        headings=("", "foretold", "happened"),
        rows=[
            ("baskets that fit", f"{result['qualifying']:,}", f"{pupil.fitting:,}"),
            ("uses (baskets)", f"{expected['uses']:,}", f"{pupil.redeemed_in:,}"),
            ("of chance alone", f"{expected['least_uses']:,} to {expected['most_uses']:,}", ""),
            ("cost", money(expected["cost"]["amount_minor"]), money(pupil.redeemed_minor)),
            ("the most that it can cost", money(result["cost"]["amount_minor"]), ""),
            ("busiest day", f"{busiest['date']}, {busiest['qualifying']:,} that fit", ""),
        ],
        notes=(
            f"How far to trust it: {confidence['word']}. {' '.join(confidence['because'])}",
            f"{result['overlapping']:,} running coupons fit the same baskets, most of all those of "
            f"{'; '.join(others) or 'its own campaign'}.",
            f"With a budget of {money(half_minor)} it would have run out on "
            f"{short['expected']['budget_spent_on'] or 'no day'}, counted from the first day that was played.",
        ),
    )
