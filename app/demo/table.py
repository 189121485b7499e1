"""The demo's table: each figure by the files (source), by our own tables (ours), and their difference."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.table import Table

from app.demo.figures import Figures
from app.demo.source_campaigns import PastCampaign
from app.demo.source_facts import Facts


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. source is None where the files know nothing of it, as they do of all that is simulated."""

    label: str
    source: int | None
    ours: int
    is_money: bool = False

    @property
    def difference(self) -> int:
        return 0 if self.source is None else self.ours - self.source

    def shown(self, value: int | None) -> str:
        if value is None:
            return "—"
        return f"{value / 100:,.2f}" if self.is_money else f"{value:,}"


Section = tuple[str, Sequence[Row]]


def sections(source: Facts, past: Sequence[PastCampaign], ours: Figures) -> list[Section]:
    """Every row of the table, under its headings."""
    return [
        ("The days", list(_days(source, ours))),
        ("Coupons", list(_coupons(source, ours))),
        ("The campaigns, each simulated over its own days", list(_simulated(past, ours))),
        ("Money", list(_money(source, ours))),
        ("Dirt, played as it is", list(_dirt(source, ours))),
        ("What the log's readers made of it", list(_read(source, ours))),
        ("The live journey (people's reactions are simulated)", list(_journey(ours))),
    ]


def differing(shown: Sequence[Section]) -> list[Row]:
    return [row for _, rows in shown for row in rows if row.difference]


def drawn(shown: Sequence[Section], *, title: str, last_lines: Sequence[tuple[str, str]]) -> Table:
    """The table for a terminal; `last_lines` are facts of the play itself, such as its rate."""
    table = Table(title=title, title_justify="left", header_style="bold")
    table.add_column("")
    for heading in ("source", "ours", "difference"):
        table.add_column(heading, justify="right")
    for heading, rows in shown:
        table.add_row(f"[bold]{heading}[/bold]")
        for row in rows:
            difference = "—" if row.source is None else row.shown(row.difference)
            style = "bold red" if row.difference else None
            table.add_row(f"  {row.label}", row.shown(row.source), row.shown(row.ours), difference, style=style)
        table.add_section()
    for label, value in last_lines:
        table.add_row(label, "", value, "")
    return table


def _days(source: Facts, ours: Figures) -> Iterator[Row]:
    yield Row("households that shop", source.households, ours["households"])
    yield Row("stores", source.stores, ours["stores"])
    yield Row("baskets", source.baskets, ours["baskets"])
    yield Row("of them with a total of zero", source.zero_baskets, ours["zero_baskets"])
    yield Row("of them paid", source.paid_baskets, ours["paid_baskets"])
    yield Row("lines", source.lines, ours["lines"])


def _coupons(source: Facts, ours: Figures) -> Iterator[Row]:
    yield Row("campaigns", source.campaigns, ours["campaigns"])
    yield Row("campaign-and-coupon pairs", source.coupon_pairs, ours["coupon_pairs"])
    yield Row("coupons", source.coupons, ours["coupons"])
    yield Row("products covered", source.products_covered, ours["products_covered"])
    yield Row("households targeted, over all campaigns", source.targets, ours["targets"])
    yield Row("redemptions", source.redemptions, ours["redemptions"])
    yield Row("households that redeem", source.redeeming_households, ours["redeeming_households"])
    yield Row("coupons used twice by a household", source.used_twice, ours["used_twice"])
    yield Row("uses that the coupons' counters hold in all", source.redemptions, ours["counted_in_all"])
    yield Row("uses that they hold by household and day", source.redemptions, ours["counted_by_day"])


def _simulated(past: Sequence[PastCampaign], ours: Figures) -> Iterator[Row]:
    yield Row("campaigns", len(past), ours["simulated_campaigns"])
    yield Row("baskets that each would be used with", sum([each.uses for each in past]), ours["simulated_uses"])
    cost = sum([each.cost_minor for each in past])
    yield Row("what that would cost", cost, ours["simulated_minor"], is_money=True)


def _money(source: Facts, ours: Figures) -> Iterator[Row]:
    by_budgets = ours["coupons_minor"] + ours["journey_minor"]
    yield Row("sales", source.sales_minor, ours["sales_minor"], is_money=True)
    yield Row("payable to the merchant", source.sales_minor, ours["payable_minor"], is_money=True)
    yield Row("paid by wallets and budgets", source.sales_minor, ours["wallets_minor"] + by_budgets, is_money=True)
    yield Row("  by the coupons' budgets", source.redeemed_minor, ours["coupons_minor"], is_money=True)
    of_customers = source.sales_minor - source.redeemed_minor
    yield Row("  by everyone else", of_customers, ours["wallets_minor"] + ours["journey_minor"], is_money=True)
    yield Row("    wallets", None, ours["wallets_minor"], is_money=True)
    yield Row("    the journey's budget (simulated)", None, ours["journey_minor"], is_money=True)


def _dirt(source: Facts, ours: Figures) -> Iterator[Row]:
    yield Row("lines of quantity zero", source.zero_quantity_lines, ours["zero_quantity_lines"])
    of_nothing = source.zero_value_lines + source.dust_value_lines
    yield Row("lines that come to nothing", of_nothing, ours["zero_value_lines"])
    yield Row("lines of a quantity of 1,000 or more", source.huge_quantity_lines, ours["huge_quantity_lines"])
    yield Row("largest quantity", source.largest_quantity, ours["largest_quantity"])
    yield Row("lines of an unlisted product", source.unlisted_lines, ours["unlisted_lines"])


def _read(source: Facts, ours: Figures) -> Iterator[Row]:
    yield Row("orders in the customers' profiles", source.baskets, ours["profile_orders"])
    yield Row("revenue in the customers' profiles", source.sales_minor, ours["profile_revenue_minor"], is_money=True)
    yield Row("profiles with an order", source.households, ours["profile_buyers"])
    yield Row("entries into journeys, walks beside tallies", ours["walks"], ours["counted_entries"])
    in_windows = ours["outcome_orders_minor"]
    yield Row("revenue in customers' windows, the log beside results", in_windows, ours["outcome_minor"], is_money=True)
    yield Row("events that a reader could not take", 0, ours["parked"])


def _journey(ours: Figures) -> Iterator[Row]:
    yield Row("customers who entered it", None, ours["enrolments"])
    yield Row("vouchers issued", None, ours["journey_vouchers"])
    yield Row("messages given to the sandbox (simulated)", None, ours["messages_sent"])
    yield Row("redeemed at the next basket (simulated)", None, ours["journey_redemptions"])
    yield Row("went the way of those who redeemed (simulated)", None, ours["walked_redeemed"])
    yield Row("went the way of those who did not (simulated)", None, ours["walked_timed_out"])
    yield Row("still waiting as the play ends", None, ours["waiting"])
