"""The posting: one round trip for any number of transfers, none of them half."""

import psycopg
import pytest
from psycopg import Connection

from core import ids
from core.errors import Refusal
from core.idempotency import KeyReused
from tests.wallet.conftest import (
    NOW,
    balance,
    close_account,
    count,
    open_account,
    open_cash,
    open_payable,
    post,
    transfer,
)
from wallet import accounts, ledger
from wallet.errors import AccountClosed, AccountMissing, AmountTooLarge, InsufficientFunds
from wallet.events import WalletOpened
from wallet.ledger import Leg


def test_transfer_moves_value_and_leaves_two_entries(connection: Connection) -> None:
    cash, payable = open_cash(connection, 1000), open_payable(connection)

    posted = post(connection, (cash, -300), (payable, 300))

    assert (balance(connection, cash), balance(connection, payable)) == (700, 300)
    entries = connection.execute(
        "SELECT account_id, version, amount, balance_after, effective_at FROM wallet.entry WHERE transfer_id = %s",
        [posted.transfer_id],
    ).fetchall()
    assert sorted(entries) == sorted([(cash, 2, -300, 700, NOW), (payable, 1, 300, 300, NOW)])


def test_transfer_down_to_the_floor_passes_and_one_unit_more_is_refused(connection: Connection) -> None:
    cash, payable = open_cash(connection, 1000), open_payable(connection)
    post(connection, (cash, -1000), (payable, 1000))

    with pytest.raises(InsufficientFunds) as refused:
        post(connection, (cash, -1), (payable, 1))

    assert refused.value.account_id == cash
    assert (balance(connection, cash), balance(connection, payable)) == (0, 1000)


def test_account_without_floor_goes_below_nothing(connection: Connection) -> None:
    cash, payable = open_cash(connection), open_payable(connection)

    post(connection, (payable, -50), (cash, 50))

    assert balance(connection, payable) == -50


@pytest.mark.parametrize("amounts", [(-10, 9), (-10, 11), (10, 0)])
def test_legs_that_do_not_sum_to_zero_are_refused(connection: Connection, amounts: tuple[int, int]) -> None:
    cash, payable = open_cash(connection, 100), open_payable(connection)

    with pytest.raises(psycopg.errors.CheckViolation, match="ck_transfer_balanced"):
        post(connection, (cash, amounts[0]), (payable, amounts[1]))

    assert (balance(connection, cash), count(connection, "wallet.entry")) == (100, 2)


def test_each_asset_sums_to_zero_by_itself(connection: Connection) -> None:
    cash, points = open_cash(connection, 100), open_account(connection, "stamps", "PTS")

    with pytest.raises(psycopg.errors.CheckViolation, match="ck_transfer_balanced"):
        post(connection, (cash, -10), (points, 10))


def test_merchant_named_twice_loses_nothing(connection: Connection) -> None:
    cash, payable = open_cash(connection, 110), open_payable(connection)

    post(connection, (cash, -110), (payable, 100), (payable, 10))

    assert (balance(connection, cash), balance(connection, payable)) == (0, 110)


def test_missing_account_aborts_all_of_the_transfer(connection: Connection) -> None:
    cash, nowhere = open_cash(connection, 100), ids.new()

    with pytest.raises(AccountMissing) as refused:
        post(connection, (cash, -10), (nowhere, 10))

    assert refused.value.account_id == nowhere
    assert (balance(connection, cash), count(connection, "wallet.transfer")) == (100, 1)


def test_closed_account_takes_nothing_more(connection: Connection) -> None:
    cash, payable = open_cash(connection, 100), open_payable(connection)
    close_account(connection, payable)

    with pytest.raises(AccountClosed):
        post(connection, (cash, -10), (payable, 10))


def test_balance_beyond_what_fits_is_refused_in_words(connection: Connection) -> None:
    cash, provider = open_cash(connection), accounts.of_provider("USD").id
    post(connection, (provider, -(2**63 - 1)), (cash, 2**63 - 1))

    with pytest.raises(AmountTooLarge):
        post(connection, (provider, -1), (cash, 1))


def test_same_key_posts_once_and_replays(connection: Connection) -> None:
    cash, payable = open_cash(connection, 100), open_payable(connection)

    first = post(connection, (cash, -10), (payable, 10), key="k", details={"note": "first"})
    again = post(connection, (cash, -10), (payable, 10), key="k", details={"note": "second"})

    assert (first.replayed, again.replayed) == (False, True)
    assert again.transfer_id == first.transfer_id
    assert again.details == {"note": "first"}
    assert balance(connection, cash) == 90


def test_same_key_for_another_request_is_refused(connection: Connection) -> None:
    cash, payable = open_cash(connection, 100), open_payable(connection)
    post(connection, (cash, -10), (payable, 10), key="k")

    with pytest.raises(KeyReused):
        post(connection, (cash, -20), (payable, 20), key="k", fingerprint=b"other")

    assert balance(connection, cash) == 90


def test_batch_keeps_versions_and_balances_in_order(connection: Connection) -> None:
    payable = open_account(connection, "till")
    cash = [open_cash(connection, 1000) for _ in range(200)]

    posted = ledger.post_all(connection, [transfer([Leg(one, -7), Leg(payable, 7)]) for one in cash])

    assert len({each.transfer_id for each in posted}) == 200
    history = connection.execute(
        "SELECT version, balance_after FROM wallet.entry WHERE account_id = %s ORDER BY version", [payable]
    ).fetchall()
    assert history == [(n, 7 * n) for n in range(1, 201)]
    assert balance(connection, payable) == 1400


def test_batch_that_dips_below_the_floor_inside_is_refused_and_names_which(connection: Connection) -> None:
    cash, payable = open_cash(connection, 10), open_payable(connection)
    out, back = [Leg(cash, -6), Leg(payable, 6)], [Leg(payable, -6), Leg(cash, 6)]

    with pytest.raises(InsufficientFunds) as refused:
        ledger.post_all(connection, [transfer(out), transfer(out), transfer(back)])

    assert (refused.value.position, refused.value.account_id) == (1, cash)
    assert balance(connection, cash) == 10
    ledger.post_all(connection, [transfer(out), transfer(back), transfer(out)])
    assert balance(connection, cash) == 4


def test_batch_posts_the_fresh_ones_beside_the_replayed(connection: Connection) -> None:
    cash, payable = open_cash(connection, 100), open_payable(connection)
    legs = [Leg(cash, -10), Leg(payable, 10)]
    first = ledger.post(connection, transfer(legs, key="a"))

    posted = ledger.post_all(connection, [transfer(legs, key=key) for key in ("b", "a", "c", "b")])

    assert [each.replayed for each in posted] == [False, True, False, True]
    assert posted[1].transfer_id == first.transfer_id
    assert posted[3].transfer_id == posted[0].transfer_id
    assert balance(connection, cash) == 70


def test_events_are_announced_once_with_the_transfer(connection: Connection) -> None:
    cash, payable = open_cash(connection, 100), open_payable(connection)
    event = WalletOpened(customer_id=ids.new(), occurred_at=NOW, currency="USD")

    for _ in range(2):
        post(connection, (cash, -10), (payable, 10), key="k", events=[event])
    with pytest.raises(InsufficientFunds):
        post(connection, (cash, -1000), (payable, 1000), events=[event])

    assert count(connection, "core.event WHERE name = 'wallet.opened'") == 1


def test_declined_transfer_is_refused_the_same_way_for_ever(connection: Connection) -> None:
    cash, payable = open_cash(connection), open_payable(connection)
    declined = transfer([Leg(cash, -10), Leg(payable, 10)], key="k")
    with pytest.raises(InsufficientFunds) as first:
        ledger.post(connection, declined)
    assert ledger.decline(connection, declined, first.value)
    assert not ledger.decline(connection, declined, first.value)
    post(connection, (accounts.of_provider("USD").id, -100), (cash, 100))

    with pytest.raises(Refusal) as again:
        ledger.post(connection, declined)

    assert (type(again.value), again.value.is_replayed) == (InsufficientFunds, True)
    assert balance(connection, cash) == 100


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE wallet.entry SET amount = amount + 1",
        "DELETE FROM wallet.entry",
        "UPDATE wallet.transfer SET kind = 'other'",
        "DELETE FROM wallet.transfer",
        "DELETE FROM wallet.transfer_part",
        "UPDATE wallet.transfer_part SET amount = amount + 1",
        "UPDATE wallet.transfer_part SET refunded = 1",
        "UPDATE wallet.balance SET posted = posted + 1",
        "INSERT INTO wallet.entry SELECT core.uuidv7(), account_id, 0, 9, 1, 1, now(), now() FROM wallet.entry",
    ],
)
def test_nobody_writes_past_the_posting(connection: Connection, statement: str) -> None:
    open_cash(connection, 100)
    connection.execute("SELECT wallet.open_parts(array_agg(id)) FROM wallet.transfer")

    with pytest.raises(psycopg.errors.RestrictViolation):
        connection.execute(statement)
