"""The trial balance: two columns with one total for each asset, now and at any instant."""

from datetime import timedelta

from psycopg import Connection

from core import ids
from core.money import POINTS
from tests.wallet.finance.books import NOON, Books, cash, gift_card
from wallet import accounts
from wallet.finance import trial_balance
from wallet.finance.trial_balance import TrialBalance

LATER = NOON + timedelta(hours=1)
SHOP, OTHER = ids.new(), ids.new()


def columns(found: list[TrialBalance]) -> dict[tuple[str, str, str], tuple[int, int, int]]:
    return {
        (each.asset, each.owner_kind, each.purpose): (each.accounts, each.debit_minor, each.credit_minor)
        for asset in found
        for each in asset.classes
    }


def test_nothing_is_balanced(connection: Connection) -> None:
    assert trial_balance.now(connection) == []
    assert trial_balance.as_of(connection, NOON) == []


def test_columns_are_equal_and_sums_are_by_class(connection: Connection) -> None:
    books, ana, ben, shop = Books(connection), cash(), cash(), accounts.of_merchant(SHOP, "USD")
    books.topup(ana, 5000, reference="ch_1")
    books.topup(ben, 700, reference="ch_2")
    books.move(ana, shop, 1200)
    books.move(accounts.of_marketing("USD"), gift_card(), 2500)
    books.move(accounts.of_brand("loyalty", POINTS), accounts.points(ids.new()), 40)

    found = trial_balance.now(connection)

    assert columns(found) == {
        ("PTS", "brand", "loyalty"): (1, 40, 0),
        ("PTS", "customer", "points"): (1, 0, 40),
        ("USD", "brand", "marketing"): (1, 2500, 0),
        ("USD", "brand", "provider"): (1, 5700, 0),
        ("USD", "customer", "cash"): (2, 0, 4500),
        ("USD", "merchant", "payable"): (1, 0, 1200),
        ("USD", "voucher", "gift"): (1, 0, 2500),
    }
    assert [(each.asset, each.debit_minor, each.credit_minor) for each in found] == [
        ("PTS", 40, 40),
        ("USD", 8200, 8200),
    ]
    assert all(each.is_balanced for each in found)


def test_accounts_of_one_class_are_not_netted(connection: Connection) -> None:
    books, shop, other = Books(connection), accounts.of_merchant(SHOP, "USD"), accounts.of_merchant(OTHER, "USD")
    books.move(shop, other, 300)

    assert columns(trial_balance.now(connection)) == {("USD", "merchant", "payable"): (2, 300, 300)}


def test_as_of_an_instant_takes_what_was_effective_up_to_it(connection: Connection) -> None:
    books, ana = Books(connection), cash()
    books.topup(ana, 5000, reference="ch_1", at=NOON)
    books.topup(ana, 70, reference="ch_2", at=LATER)

    just_before, at = (trial_balance.as_of(connection, when) for when in (LATER - timedelta(microseconds=1), LATER))

    assert columns(just_before)["USD", "customer", "cash"] == (1, 0, 5000)
    assert columns(at)["USD", "customer", "cash"] == (1, 0, 5070)
    assert columns(at) == columns(trial_balance.now(connection))
    assert trial_balance.as_of(connection, NOON - timedelta(seconds=1)) == []


def test_one_currency_can_be_asked_for(connection: Connection) -> None:
    books = Books(connection)
    books.topup(cash(), 5000, reference="ch_1")
    books.topup(cash("EUR"), 90, reference="ch_2")

    assert [each.asset for each in trial_balance.now(connection, asset="EUR")] == ["EUR"]
    assert trial_balance.as_of(connection, NOON, asset="GBP") == []
