"""Every figure that the demo's table shows as *source*, for the year and for November."""

import re
from dataclasses import asdict
from datetime import date
from pathlib import Path

from app.demo.source_facts import Facts, facts
from app.demo.source_files import NOVEMBER, YEAR, Files, Window

OF_YEAR = Facts(
    households=2_469,
    stores=457,
    baskets=155_848,
    zero_baskets=478,
    lines=1_469_307,
    sales_minor=459_603_958,
    products_bought=68_509,
    campaigns=27,
    coupon_pairs=1_197,
    coupons=981,
    products_covered=41_857,
    targets=6_589,
    redemptions=2_102,
    redeeming_households=410,
    redemptions_with_covered_line=1_839,
    used_twice=27,
    redeemed_minor=114_878,
    zero_quantity_lines=8_869,
    zero_value_lines=11_226,
    dust_value_lines=20,
    huge_quantity_lines=13_495,
    largest_quantity=89_638,
    unlisted_lines=4_836,
    coupon_above_line=3_507,
)

OF_NOVEMBER = Facts(
    households=2_061,
    stores=185,
    baskets=12_734,
    zero_baskets=41,
    lines=121_721,
    sales_minor=38_602_721,
    products_bought=24_027,
    campaigns=7,
    coupon_pairs=304,
    coupons=290,
    products_covered=35_957,
    targets=2_138,
    redemptions=526,
    redeeming_households=184,
    redemptions_with_covered_line=475,
    used_twice=0,
    redeemed_minor=28_837,
    zero_quantity_lines=909,
    zero_value_lines=1_123,
    dust_value_lines=3,
    huge_quantity_lines=1_088,
    largest_quantity=35_077,
    unlisted_lines=580,
    coupon_above_line=332,
)

PAGE = Path(__file__).parents[3] / "docs" / "demo.md"


def test_year_has_the_known_figures(real_files: Files) -> None:
    assert facts(real_files, YEAR) == OF_YEAR
    assert facts(real_files, YEAR).paid_baskets == 155_370


def test_november_has_the_known_figures(real_files: Files) -> None:
    assert facts(real_files, NOVEMBER) == OF_NOVEMBER
    assert facts(real_files, NOVEMBER).paid_baskets == 12_693


def test_page_about_the_demo_tells_the_figures_of_the_files() -> None:
    told = [re.findall(r"[\d,.]+", row)[-2:] for row in PAGE.read_text().splitlines() if row.startswith("| ")]

    for name in (
        "households",
        "stores",
        "baskets",
        "zero_baskets",
        "lines",
        "campaigns",
        "coupon_pairs",
        "redemptions",
    ):
        assert [f"{getattr(window, name):,}" for window in (OF_YEAR, OF_NOVEMBER)] in told, name
    for name in ("sales_minor", "redeemed_minor"):
        assert [f"{getattr(window, name) / 100:,.2f}" for window in (OF_YEAR, OF_NOVEMBER)] in told, name


def test_two_halves_of_november_add_up(real_files: Files) -> None:
    first = facts(real_files, Window(date(2017, 11, 1), date(2017, 11, 15)))
    second = facts(real_files, Window(date(2017, 11, 16), date(2017, 11, 30)))
    whole = facts(real_files, NOVEMBER)

    for name in ("baskets", "lines", "sales_minor", "redemptions", "redeemed_minor", "zero_quantity_lines"):
        assert getattr(first, name) + getattr(second, name) == getattr(whole, name), name


def test_only_new_york_days_give_each_redemption_a_basket(real_files: Files) -> None:
    without = """select count(*) from coupon_redemptions r where not exists
                 (select 1 from basket b where b.household_id = r.household_id and {day} = r.redemption_date::date)"""

    assert one_row(real_files, without.format(day="b.local_day")) == (0,)
    assert one_row(real_files, without.format(day="b.occurred_at::date")) == (233,)


def test_basket_has_one_household_store_and_time_throughout(real_files: Files) -> None:
    mixed = """select count(*) from (select basket_id from transactions group by 1
               having count(distinct (household_id, store_id, transaction_timestamp)) > 1)"""

    assert one_row(real_files, mixed) == (0,)


def test_amounts_are_whole_cents_but_for_floating_dust(real_files: Files) -> None:
    off = """select count(*) from transactions where abs(sales_value * 100 - round(sales_value * 100)) > 1e-9
             or abs(coupon_disc * 100 - round(coupon_disc * 100)) > 1e-9"""

    assert one_row(real_files, off) == (0,)


def test_a_window_without_a_basket_is_all_zero_but_for_what_runs(real_files: Files) -> None:
    empty = asdict(facts(real_files, Window(date(2019, 1, 1), date(2019, 1, 31))))

    assert set(empty.values()) == {0}


def one_row(files: Files, statement: str) -> object:
    return files.cursor().execute(statement).fetchone()
