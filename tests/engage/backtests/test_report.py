"""What a backtest says of days, costs and trust."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from core import ids
from core.money import Money
from engage.backtests import confidence
from engage.backtests.memory import Memory
from engage.backtests.report import Report
from engage.backtests.world import House
from engage.contacting.policy import Policy
from engage.journeys import graph
from engage.journeys.spending import Spend
from rewards.discounts import AmountOff
from rewards.terms import Terms
from tests.engage.conftest import drawn, gift, say, wait

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CAMPAIGN = ids.new()


def house(*, redeemed_bps: int | None = 2_500) -> House:
    terms = Terms(
        campaign_id=CAMPAIGN, kind="coupon", discount=AmountOff(500), currency="USD", is_scoped=False,
        min_spend_minor=0, limit_total=None, limit_per_customer=None, audience_id=None, voucher_days=None,
        state="running", starts_at=NOON, ends_at=NOON + timedelta(days=1),
    )  # fmt: skip
    shares: Mapping[UUID, int | None] = {CAMPAIGN: redeemed_bps}
    return House(Policy(), {CAMPAIGN: terms}, {CAMPAIGN: Money(500, "USD")}, shares, {CAMPAIGN: "Tea"})


def told(report: Report, *, spend: Spend | None = None, home: House | None = None) -> dict[str, Any]:
    return report.as_json(home or house(), spend=spend, trust={})


def given(*by_day: int) -> Report:
    """So many vouchers on the first of March, the second, …"""
    report = Report(ZoneInfo("UTC"))
    for day, number in enumerate(by_day):
        report.vouchers[CAMPAIGN, date(2026, 3, 1) + timedelta(days=day)] = number
    return report


@pytest.mark.parametrize(("redeemed_bps", "cost"), [(2_500, 375), (0, 0), (10_000, 1_500), (3_333, 500), (None, None)])
def test_the_cost_is_the_worth_by_the_share_that_was_redeemed(redeemed_bps: int | None, cost: int | None) -> None:
    [campaign] = told(given(3), home=house(redeemed_bps=redeemed_bps))["campaigns"]

    expected = None if cost is None else {"amount_minor": cost, "currency": "USD"}
    assert (campaign["worth"]["amount_minor"], campaign["expected_cost"]) == (1_500, expected)


@pytest.mark.parametrize(
    ("spend", "reached_on"),
    [
        (Spend(1_999, "ever"), "2026-03-02"),
        (Spend(2_000, "ever"), None),
        (Spend(1_499, "day"), "2026-03-02"),
        (Spend(1_500, "day"), None),
    ],
)
def test_a_spend_is_reached_on_the_day_that_would_pass_it(spend: Spend, reached_on: str | None) -> None:
    result = told(given(1, 3), spend=spend)["spend"]

    assert (result["reached_on"], result["given"]["amount_minor"]) == (reached_on, 2_000)


def test_credit_counts_to_the_spend() -> None:
    report = given(1)
    report.credit("USD", 1_000, at=NOON)

    result = told(report, spend=Spend(1_499, "ever"))

    assert result["spend"]["reached_on"] == "2026-03-01"
    assert result["credit"] == [{"currency": "USD", "credits": 1, "amount_minor": 1_000}]


def test_days_are_the_brands() -> None:
    report = Report(ZoneInfo("America/New_York"))
    report.credit("USD", 1, at=datetime(2026, 3, 1, 4, 59, tzinfo=UTC))
    report.credit("USD", 1, at=datetime(2026, 3, 1, 5, 0, tzinfo=UTC))

    assert sorted(day for _, day in report.credits) == [date(2026, 2, 28), date(2026, 3, 1)]


def trust(raw: dict[str, Any], *, entries: int = 1_000, days: int = 365, redeemed_bps: int | None = 1) -> Any:
    drawn_graph = graph.parse(raw)
    report = Report(ZoneInfo("UTC"))
    report.entries[date(2026, 3, 1)] = entries
    memory = Memory(drawn_graph.audience.needs if drawn_graph.audience else ())
    return confidence.words(
        drawn_graph, report, house(redeemed_bps=redeemed_bps), memory, since=NOON - timedelta(days=days), until=NOON
    )


@pytest.mark.parametrize(
    ("raw", "more", "word"),
    [
        (drawn("hi", {"hi": say("Hi")}), {}, "good"),
        (drawn("hi", {"hi": say("Hi")}), {"entries": 100}, "good"),
        (drawn("hi", {"hi": say("Hi")}), {"entries": 99}, "low"),
        (drawn("hi", {"hi": say("Hi")}), {"days": 28}, "good"),
        (drawn("hi", {"hi": say("Hi")}), {"days": 27}, "fair"),
        (drawn("hi", {"hi": say("Hi")}, audience={"trait": "plan", "is": "present"}), {}, "fair"),
        (drawn("hi", {"hi": say("Hi")}, entry={"segment": "lapsed"}), {}, "low"),
        (drawn("gift", {"gift": gift(CAMPAIGN)}), {"redeemed_bps": None}, "fair"),
        (
            drawn("gift", {"gift": gift(CAMPAIGN, next="used"), "used": wait(60, for_event="voucher.redeemed")}),
            {},
            "fair",
        ),
    ],
)
def test_how_far_it_can_be_trusted(raw: dict[str, Any], more: dict[str, Any], word: str) -> None:
    told_trust = trust(raw, **more)

    assert told_trust["word"] == word
    assert bool(told_trust["because"]) == (word != "good")
