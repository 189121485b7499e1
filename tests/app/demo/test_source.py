"""The readers against the real files, each checked by another way of counting than the one under test."""

from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from app.demo import source
from app.demo.source import BasketOf, RedemptionOf
from app.demo.source_files import NOVEMBER, YEAR, Files, Window

NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture(scope="session")
def november(real_files: Files) -> list[BasketOf]:
    return list(source.baskets(real_files, NOVEMBER))


@pytest.fixture(scope="session")
def year_redemptions(real_files: Files) -> list[RedemptionOf]:
    return source.redemptions(real_files, YEAR)


def test_year_streams_every_basket_line_and_cent_in_time_order(real_files: Files) -> None:
    baskets = lines = sales_minor = 0
    last = (datetime.min.replace(tzinfo=UTC), 0)
    for basket in source.baskets(real_files, YEAR):
        assert (basket.occurred_at, basket.basket_id) > last
        last = (basket.occurred_at, basket.basket_id)
        baskets += 1
        lines += len(basket.lines)
        sales_minor += sum(line.amount_minor for line in basket.lines)

    assert (baskets, lines, sales_minor) == (155_848, 1_469_307, 459_603_958)


def test_november_is_played_by_new_york_days(november: list[BasketOf]) -> None:
    days = {basket.occurred_at.astimezone(NEW_YORK).date() for basket in november}

    assert len(november) == 12_734
    assert sum(basket.total_minor for basket in november) == 38_602_721
    assert days == {date(2017, 11, day) for day in range(1, 31)}


def test_basket_total_is_the_sum_of_its_lines(november: list[BasketOf]) -> None:
    assert all(basket.total_minor == sum(line.amount_minor for line in basket.lines) for basket in november)


def test_lines_come_in_product_order_each_product_once(november: list[BasketOf]) -> None:
    assert all(int(one.sku) < int(two.sku) for basket in november for one, two in pairwise(basket.lines))


def test_no_amount_is_negative(november: list[BasketOf]) -> None:
    lines = [line for basket in november for line in basket.lines]

    assert min(line.amount_minor for line in lines) == 0
    assert min(line.retail_disc_minor for line in lines) == 0
    assert min(line.coupon_disc_minor for line in lines) == 0
    assert min(line.coupon_match_minor for line in lines) == 0


def test_dirty_lines_are_played_not_dropped(november: list[BasketOf]) -> None:
    lines = [line for basket in november for line in basket.lines]

    assert sum(line.quantity == "0" for line in lines) == 909
    assert sum(line.amount_minor == 0 for line in lines) == 1_123 + 3
    assert max(int(line.quantity) for line in lines) == 35_077
    assert sum(line.category == "UNLISTED" for line in lines) == 580


def test_windows_of_other_lengths_stream_the_same(real_files: Files, november: list[BasketOf]) -> None:
    first = source.baskets(real_files, Window(date(2017, 11, 1), date(2017, 11, 5)))
    second = source.baskets(real_files, Window(date(2017, 11, 6), date(2017, 11, 30)))

    assert [*first, *second] == november


def test_other_questions_may_be_asked_while_baskets_stream(real_files: Files, november: list[BasketOf]) -> None:
    streaming = source.baskets(real_files, Window(date(2017, 11, 1), date(2017, 11, 3)))
    first = next(streaming)
    source.stores(real_files, NOVEMBER)
    streamed = [first, *streaming]

    assert streamed == november[: len(streamed)]


def test_everyone_and_everything_in_a_basket_is_in_its_register(real_files: Files, november: list[BasketOf]) -> None:
    households = {household.household_id for household in source.households(real_files, NOVEMBER)}
    stores = {store.store_id for store in source.stores(real_files, NOVEMBER)}
    products = {product.sku: product.category for product in source.products(real_files, NOVEMBER)}

    assert {basket.household_id for basket in november} <= households
    assert {basket.store_id for basket in november} == stores
    assert all(products[line.sku] == line.category for basket in november for line in basket.lines)


def test_year_has_all_households_and_stores(real_files: Files) -> None:
    households = source.households(real_files, YEAR)

    assert len(households) == 2_469
    assert sum(household.age is not None for household in households) == 801
    assert len(source.stores(real_files, YEAR)) == 457


def test_campaigns_are_pairs_with_their_targets_and_products(real_files: Files) -> None:
    campaigns = source.campaigns(real_files, YEAR)

    assert len(campaigns) == 1_197
    assert len({(campaign.campaign_id, campaign.coupon_upc) for campaign in campaigns}) == 1_197
    assert len({campaign.coupon_upc for campaign in campaigns}) == 981
    assert len({sku for campaign in campaigns for sku in campaign.skus}) == 41_857
    assert len({(campaign.campaign_id, target) for campaign in campaigns for target in campaign.targets}) == 6_589


def test_products_covered_by_a_coupon_are_in_the_register(real_files: Files) -> None:
    products = {product.sku for product in source.products(real_files, NOVEMBER)}

    assert {sku for campaign in source.campaigns(real_files, NOVEMBER) for sku in campaign.skus} <= products


def test_each_redemption_is_by_a_target_inside_its_campaigns_window(
    real_files: Files, year_redemptions: list[RedemptionOf]
) -> None:
    campaigns = {(found.campaign_id, found.coupon_upc): found for found in source.campaigns(real_files, YEAR)}

    for redemption in year_redemptions:
        campaign = campaigns[redemption.campaign_id, redemption.coupon_upc]
        assert campaign.first_day <= redemption.local_day <= campaign.last_day
        assert redemption.household_id in campaign.targets


def test_year_has_all_redemptions_and_their_value(year_redemptions: list[RedemptionOf]) -> None:
    uses = Counter((use.household_id, use.campaign_id, use.coupon_upc) for use in year_redemptions)

    assert len(year_redemptions) == 2_102
    assert len({redemption.household_id for redemption in year_redemptions}) == 410
    assert sum(redemption.covered_lines > 0 for redemption in year_redemptions) == 1_839
    assert Counter(uses.values()) == {1: 2_048, 2: 27}
    assert sum(redemption.value_minor for redemption in year_redemptions) == 114_878


def test_november_redemptions_are_those_that_a_plain_reading_of_the_rule_gives(
    real_files: Files, november: list[BasketOf]
) -> None:
    skus = {(found.campaign_id, found.coupon_upc): set(found.skus) for found in source.campaigns(real_files, NOVEMBER)}
    of_day: dict[tuple[int, date], list[BasketOf]] = defaultdict(list)
    for basket in november:
        of_day[basket.household_id, basket.occurred_at.astimezone(NEW_YORK).date()].append(basket)
    redemptions = source.redemptions(real_files, NOVEMBER)
    counted: dict[int, set[str]] = defaultdict(set)
    left = {basket.basket_id: basket.total_minor for basket in november}

    for found in sorted(redemptions, key=lambda one: (one.basket_id, one.campaign_id, one.coupon_upc)):
        covered = skus[found.campaign_id, found.coupon_upc]
        basket = min(
            of_day[found.household_id, found.local_day],
            key=lambda one: (-sum(line.sku in covered for line in one.lines), one.occurred_at, one.basket_id),
        )
        lines = [line for line in basket.lines if line.sku in covered]
        fresh = [line for line in lines if line.sku not in counted[basket.basket_id]]
        value_minor = min(left[basket.basket_id], sum(line.coupon_disc_minor for line in fresh))
        counted[basket.basket_id] |= {line.sku for line in fresh}
        left[basket.basket_id] -= value_minor

        assert found.basket_id == basket.basket_id
        assert found.occurred_at == basket.occurred_at
        assert found.covered_lines == len(lines)
        assert set(found.lines) == {line.sku for line in fresh}
        assert found.value_minor == value_minor
    assert len(redemptions) == 526
