"""The liability report: it sums to the ledger, by age and by funder, and states what breakage it expects."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.db import transaction
from core.errors import Refusal
from rewards.gift_cards import liability
from rewards.gift_cards.liability import Liability
from tests.rewards.gift_cards.conftest import NOW, Cards, check_books, owed, settle
from tests.rewards.gift_cards.test_merging import spend

DAY = timedelta(days=1)


def report(at: datetime = NOW) -> list[Liability]:
    with transaction() as session:
        return liability.of(session, as_of=at)


def ages(found: Liability) -> list[int]:
    return [line.amount_minor for line in found.by_age]


def funders(found: Liability) -> dict[str, int]:
    return {line.funder: line.amount_minor for line in found.by_funder}


def test_nothing_is_owed_where_there_are_no_cards(anna: Cards) -> None:
    assert report() == []


def test_value_is_told_by_its_age_at_each_boundary(anna: Cards) -> None:
    card = anna.buy(100)
    anna.load(card, 20, now=NOW + 30 * DAY)

    assert ages(report(NOW + 30 * DAY)[0]) == [20, 100, 0, 0, 0]
    for days, place in ((0, 0), (29, 0), (30, 1), (89, 1), (90, 2), (364, 2), (365, 3), (729, 3), (730, 4)):
        assert [(place == at and 100) or 0 for at in range(5)] == _oldest(ages(report(NOW + days * DAY)[0]), days)


def _oldest(found: Sequence[int], days: int) -> list[int]:
    """Without the 20 of the load."""
    young = days - 30
    place = next((at for at, (since, to) in enumerate(liability.AGES) if since <= young < (to or days)), 0)
    return [amount - (20 if days >= 30 and at == place else 0) for at, amount in enumerate(found)]


def test_oldest_value_is_spent_first(anna: Cards) -> None:
    card = anna.buy(100)
    anna.load(card, 50, now=NOW + 40 * DAY)
    spend(anna, card, 110)

    assert ages(report(NOW + 40 * DAY)[0]) == [40, 0, 0, 0, 0]


def test_customers_money_and_what_was_given_stand_apart(anna: Cards) -> None:
    anna.buy(700)
    anna.given(300)

    [found] = report()

    assert (found.currency, found.cards, found.outstanding_minor) == ("USD", 2, 1_000)
    assert funders(found) == {"customers": 700, "brand": 300}
    assert owed()[1:] == (700, 300)


def test_what_a_campaign_gave_is_borne_by_its_funders(anna: Cards) -> None:
    campaign = anna.world.gift_campaign(301, limit_per_customer=None)
    for funder, bps in (("brand", 5_000), ("partner:acme", 5_000)):
        anna.world.rows(
            "INSERT INTO rewards.campaign_funder (campaign_id, funder, bps) VALUES (%s, %s, %s) RETURNING bps",
            campaign,
            funder,
            bps,
        )
    anna.given(campaign_id=campaign)
    anna.given(100)

    found = funders(report()[0])

    assert found in ({"brand": 250, "partner:acme": 151}, {"brand": 251, "partner:acme": 150})


def test_breakage_is_what_was_not_spent_of_what_is_two_years_old(anna: Cards) -> None:
    old, spent, lapsing = anna.buy(600), anna.buy(300), anna.given(100, voucher_days=30)
    spend(anna, spent, 300)
    settle(now=NOW + 30 * DAY)
    fresh = anna.buy(1_000, now=NOW + 700 * DAY)
    anna.merge(old, fresh, now=NOW + 700 * DAY)

    just_before, by_then = report(NOW + 730 * DAY - timedelta(seconds=1))[0], report(NOW + 730 * DAY)[0]

    assert (just_before.breakage.observed_minor, just_before.breakage.expected_minor) == (0, 0)
    # Of the 400 that were not merged away, the 100 that lapsed were never spent: a quarter of the 1 600 left.
    breakage = by_then.breakage
    assert (breakage.observed_minor, breakage.unspent_minor, breakage.unspent_bps) == (400, 100, 2_500)
    assert (by_then.outstanding_minor, breakage.expected_minor) == (1_600, 400)
    assert anna.value(lapsing) == 0


def test_report_of_an_earlier_instant_knows_nothing_later(anna: Cards) -> None:
    anna.buy(100)
    anna.buy(50, now=NOW + DAY)

    assert [found.outstanding_minor for found in report(NOW)] == [100]
    assert report(NOW - DAY) == []


DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["buy", "given", "load", "merge", "refund", "spend", "lapse"]),
        st.integers(1, 400),
        st.integers(0, 9),
        st.integers(0, 9),
        st.integers(0, 200),
    ),
    max_size=12,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=DEEDS)
def test_whatever_is_done_the_report_sums_to_the_ledger(
    anna: Cards, deeds: list[tuple[str, int, int, int, int]]
) -> None:
    at, campaign = NOW, anna.world.gift_campaign(150, limit_per_customer=None, voucher_days=400)
    made: list[Any] = [row[0] for row in anna.world.rows("SELECT id FROM rewards.voucher")]
    for deed, amount, first, second, days in deeds:
        at += days * DAY
        try:
            two = [made[first % len(made)], made[second % len(made)]] if made else []
            _do(anna, deed, amount, two, campaign, at, made)
        except Refusal:
            continue

    on_cards = anna.world.rows(
        "SELECT coalesce(sum(posted), 0)::bigint FROM wallet.balance b JOIN wallet.account a ON a.id = b.account_id"
        " WHERE a.purpose = 'gift'"
    )[0][0]
    found = report(at + 4_000 * DAY)
    assert sum(each.outstanding_minor for each in found) == on_cards
    for each in found:
        assert each.outstanding_minor == sum(ages(each)) == sum(funders(each).values())
        assert funders(each).get("customers", 0) == owed(at + 4_000 * DAY)[1]
        assert 0 <= each.breakage.unspent_minor <= max(each.breakage.observed_minor, 0)
    check_books()


def _do(anna: Cards, deed: str, amount: int, two: list[Any], campaign: Any, at: datetime, made: list[Any]) -> None:
    if deed == "buy":
        made.append(anna.buy(amount, now=at))
    elif deed == "given":
        made.append(anna.given(campaign_id=campaign))
    elif deed == "lapse":
        settle(now=at)
    elif two:
        {
            "load": lambda: anna.load(two[0], amount, now=at),
            "merge": lambda: anna.merge(two[0], two[1], now=at),
            "refund": lambda: anna.refund(two[0], now=at),
            "spend": lambda: spend(anna, two[0], amount),
        }[deed]()
