"""Settlements: exact over merchants, refunds across the cut, terms that change, and every entry exactly once."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from psycopg import Connection

from core import ids
from core.db import transaction
from core.errors import NotFound
from tests.wallet.conftest import count
from tests.wallet.finance.books import NEXT_MORNING, NOON, Books, add_merchant, cash, gift_card
from wallet import accounts
from wallet.accounts import Opening
from wallet.errors import CurrencyUnknown, MerchantUnknown
from wallet.finance import (
    bank_accounts,
    merchant_terms,
    payout_files,
    settlement_rows,
    settlement_sums,
    settlements,
)
from wallet.finance.bank_accounts import BankAccount
from wallet.finance.errors import NothingToPayOut, SettlementInFuture, SettlementTwin
from wallet.finance.settlement_rows import Closed
from wallet.finance.settlements import Run
from wallet.ledger import Posted

CUT = NOON + timedelta(hours=2)
EVENING = NOON + timedelta(hours=3)


@pytest.fixture
def books(connection: Connection) -> Books:
    return Books(connection)


def settle(until: datetime = CUT, *, now: datetime = NEXT_MORNING, merchant_id: UUID | None = None) -> Run:
    with transaction() as session:
        return settlements.close(session, until=until, merchant_id=merchant_id, actor="staff:test", now=now)


def set_terms(
    merchant_id: UUID, fee_bps: int, fee_fixed_minor: int = 0, *, at: datetime = NOON - timedelta(days=1)
) -> None:
    with transaction() as session:
        merchant_terms.set_(
            session, merchant_id=merchant_id, currency="USD", fee_bps=fee_bps, fee_fixed_minor=fee_fixed_minor,
            reason="contract", actor="staff:test", now=at,
        )  # fmt: skip


def pay(
    books: Books, merchant_id: UUID, amount_minor: int, *, at: datetime = NOON, tip_minor: int = 0, asset: str = "USD"
) -> tuple[Opening, Posted]:
    customer, payable = cash(asset), accounts.of_merchant(merchant_id, asset)
    books.topup(customer, amount_minor, reference=str(ids.new()), at=at)
    more = {"tip_minor": tip_minor} if tip_minor else {}
    return customer, books.move(customer, payable, amount_minor, at=at, kind="payment", **more)


def refund(books: Books, merchant_id: UUID, paid: tuple[Opening, Posted], amount_minor: int, *, at: datetime) -> None:
    payable = accounts.of_merchant(merchant_id, "USD")
    books.transfer(
        [(payable, -amount_minor), (paid[0], amount_minor)], at=at, kind="refund", parent_id=paid[1].transfer_id
    )


def told(closed: Closed) -> dict[str, int | None]:
    names = ("gross", "tips", "refunds", "adjustments", "fees", "carried_in", "net", "payout")
    return {name: value for name in names if (value := getattr(closed.row, f"{name}_minor"))}


def unaccounted(connection: Connection) -> list[tuple[object, ...]]:
    """Entries of merchants' accounts, the settlements' own left out, that do not stand in exactly one cut."""
    return connection.execute(
        "SELECT e.transfer_id, e.shard, e.version, count(c.settlement_id) FROM wallet.entry e"
        " JOIN wallet.account a ON a.id = e.account_id AND a.purpose = 'payable'"
        " JOIN wallet.transfer t ON t.id = e.transfer_id AND t.kind <> 'settlement'"
        " LEFT JOIN wallet.settlement_cut c ON c.account_id = e.account_id AND c.shard = e.shard"
        "      AND e.version > coalesce(c.after_version, 0) AND e.version <= c.to_version"
        " GROUP BY 1, 2, 3 HAVING count(c.settlement_id) <> 1"
    ).fetchall()


def test_settlement_pays_out_what_was_earned_less_fees_and_refunds(books: Books, connection: Connection) -> None:
    shop = add_merchant()
    set_terms(shop, 250, 20)
    paid = pay(books, shop, 1050, tip_minor=50)
    pay(books, shop, 2000)
    refund(books, shop, paid, 300, at=NOON + timedelta(hours=1))

    [closed] = settle().closed

    # 25 and 20 of the first, whose tip is not charged; 50 and 20 of the second.
    assert told(closed) == {"gross": 3000, "tips": 50, "refunds": 300, "fees": 115, "net": 2635, "payout": 2635}
    assert (closed.row.payment_count, closed.row.refund_count, closed.row.sequence, closed.row.since) == (2, 1, 1, None)
    assert books.balance(accounts.of_merchant(shop, "USD")) == 0
    assert books.balance(accounts.of_brand("fees", "USD")) == 115
    assert books.balance(accounts.of_brand("bank", "USD")) == 2635
    assert unaccounted(connection) == []
    assert count(connection, "core.event WHERE name = 'settlement.closed'") == 1


def test_three_merchants_with_refunds_across_the_cut(books: Books, connection: Connection) -> None:
    one, two, three = (add_merchant(name) for name in ("One", "Two", "Three"))
    set_terms(one, 100)
    of_one, of_two = pay(books, one, 10_000), pay(books, two, 700)
    refund(books, two, of_two, 100, at=EVENING)
    refund(books, one, of_one, 4000, at=EVENING)
    pay(books, three, 900, at=EVENING)

    first = {closed.row.merchant_id: told(closed) for closed in settle().closed}
    second = {closed.row.merchant_id: told(closed) for closed in settle(NEXT_MORNING).closed}
    pay(books, one, 5000, at=NEXT_MORNING)
    third = {
        closed.row.merchant_id: told(closed)
        for closed in settle(NEXT_MORNING + timedelta(hours=1), now=NEXT_MORNING + timedelta(hours=1)).closed
    }

    assert first == {
        one: {"gross": 10_000, "fees": 100, "net": 9900, "payout": 9900},
        two: {"gross": 700, "net": 700, "payout": 700},
    }
    assert second == {
        one: {"refunds": 4000, "net": -4000},
        two: {"refunds": 100, "net": -100},
        three: {"gross": 900, "net": 900, "payout": 900},
    }
    assert third == {one: {"gross": 5000, "fees": 50, "carried_in": -4000, "net": 950, "payout": 950}}
    balances = {shop: books.balance(accounts.of_merchant(shop, "USD")) for shop in (one, two, three)}
    assert balances == {one: 0, two: -100, three: 0}
    assert unaccounted(connection) == []


@pytest.mark.parametrize(("seconds", "gross"), [(-1, 500), (0, None), (1, None)])
def test_cut_takes_what_was_before_the_instant(books: Books, seconds: int, gross: int | None) -> None:
    pay(books, add_merchant(), 500, at=CUT + timedelta(seconds=seconds))

    assert [each.row.gross_minor for each in settle().closed] == ([gross] if gross else [])


def test_what_comes_late_falls_into_the_next_settlement(books: Books, connection: Connection) -> None:
    shop = add_merchant()
    pay(books, shop, 500)
    settle()
    pay(books, shop, 70, at=NOON - timedelta(days=3))

    assert [told(each) for each in settle(EVENING).closed] == [{"gross": 70, "net": 70, "payout": 70}]
    assert unaccounted(connection) == []


def test_nothing_is_settled_twice(books: Books, connection: Connection) -> None:
    pay(books, add_merchant(), 500)

    assert [len(settle().closed), len(settle().closed), len(settle(EVENING).closed)] == [1, 0, 0]
    assert count(connection, "wallet.settlement") == 1


def test_earlier_instant_than_the_last_settlement_s_closes_nothing(books: Books) -> None:
    shop = add_merchant()
    pay(books, shop, 500)
    settle()
    pay(books, shop, 70)

    assert settle(CUT - timedelta(hours=1)).closed == []


def test_old_entry_beyond_the_slack_is_found_by_its_missing_version(books: Books, connection: Connection) -> None:
    # The clock of the settlement runs far ahead of the ids, as if they had been held back for days.
    shop = add_merchant()
    ahead = datetime.now(NOON.tzinfo) + timedelta(days=30)
    pay(books, shop, 500)
    settle(now=ahead)
    pay(books, shop, 70)

    assert [told(each)["gross"] for each in settle(EVENING, now=ahead).closed] == [70]
    assert unaccounted(connection) == []


def test_currencies_are_settled_apart(books: Books) -> None:
    shop = add_merchant()
    set_terms(shop, 1000)
    pay(books, shop, 500)
    pay(books, shop, 400, asset="EUR")

    found = {each.row.currency: told(each) for each in settle().closed}

    assert found == {
        "EUR": {"gross": 400, "net": 400, "payout": 400},
        "USD": {"gross": 500, "fees": 50, "net": 450, "payout": 450},
    }


def test_fee_is_that_of_the_payment_s_time(books: Books) -> None:
    shop = add_merchant()
    set_terms(shop, 100, at=NOON)
    set_terms(shop, 200, at=NOON + timedelta(minutes=10))
    for minutes in (-1, 0, 9, 10):
        pay(books, shop, 10_000, at=NOON + timedelta(minutes=minutes))

    [closed] = settle().closed

    assert closed.row.fees_minor == 0 + 100 + 100 + 200


@pytest.mark.parametrize(
    ("amount_minor", "fee"),
    [(1050, 26), (1020, 26), (1060, 26), (1061, 27), (1140, 28), (10, 0), (30, 1), (2**53 - 1, 225179981368525)],
)
def test_fee_is_rounded_half_to_even(books: Books, amount_minor: int, fee: int) -> None:
    shop = add_merchant()
    set_terms(shop, 250)
    pay(books, shop, amount_minor)

    [closed] = settle().closed

    assert closed.row.fees_minor == fee


def test_fees_over_what_was_earned_are_carried(books: Books) -> None:
    shop = add_merchant()
    set_terms(shop, 0, 30)
    pay(books, shop, 10)

    [closed] = settle().closed

    assert told(closed) == {"gross": 10, "fees": 30, "net": -20}
    assert books.balance(accounts.of_merchant(shop, "USD")) == -20


def test_who_paid_is_told_by_source(books: Books) -> None:
    shop, customer, card = add_merchant(), cash(), gift_card()
    payable = accounts.of_merchant(shop, "USD")
    budget = Opening(f"campaign:{ids.new()}", "budget", "USD", 0)
    books.topup(customer, 5000, reference="ch_1")
    books.move(accounts.of_marketing("USD"), budget, 3000)
    books.move(budget, card, 1000)
    paid = books.transfer([(customer, -600), (card, -300), (budget, -100), (payable, 1000)], kind="payment")
    books.move(budget, payable, 250, kind="redemption")
    books.transfer([(payable, -200), (customer, 150), (card, 50)], kind="refund", parent_id=paid.transfer_id)
    books.move(accounts.of_brand("suspense", "USD"), payable, 7, kind="adjustment")

    [closed] = settle().closed

    assert told(closed) == {"gross": 1250, "refunds": 200, "adjustments": 7, "net": 1057, "payout": 1057}
    assert [(each.source, each.funder, each.paid, each.refunded) for each in closed.fundings] == [
        ("coupons", budget.owner, 350, 0),
        ("customers", "", 600, 150),
        ("gift_cards", "", 300, 50),
    ]


def test_one_merchant_can_be_settled_alone(books: Books) -> None:
    one, two = add_merchant("One"), add_merchant("Two")
    pay(books, one, 500)
    pay(books, two, 600)

    assert [each.row.merchant_id for each in settle(merchant_id=two).closed] == [two]
    assert [each.row.merchant_id for each in settle().closed] == [one]


def test_run_of_many_goes_on_with_the_next_call(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settlements, "BATCH", 2)
    shops = [add_merchant(str(number)) for number in range(3)]
    for shop in shops:
        pay(books, shop, 500)

    runs = [settle() for _ in range(3)]

    assert [(len(run.closed), run.is_complete) for run in runs] == [(2, False), (1, True), (0, True)]


def test_frozen_merchant_is_left_alone(books: Books, connection: Connection) -> None:
    shop = add_merchant()
    pay(books, shop, 500)
    connection.execute("UPDATE wallet.account SET status = 'frozen' WHERE purpose = 'payable'")

    assert settle().closed == []


def test_payouts_that_nobody_knows_where_to_send_leave_room_for_the_others(
    books: Books, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payout_files, "MOST", 1)
    unknown, known = add_merchant(), add_merchant()
    for merchant_id in (unknown, known):
        pay(books, merchant_id, 100)
        settle(merchant_id=merchant_id)
    account = BankAccount(holder="Corner Shop", iban="DE89370400440532013000")
    with transaction() as session:
        kept = bank_accounts.set_(
            session, merchant_id=known, currency="USD", account=account, actor="staff:test", now=NEXT_MORNING
        )
        bank_accounts.decide(
            session, kept.row.id, approve=True, reason=None, decided_by="staff:second", now=NEXT_MORNING
        )

    with transaction() as session:
        made = payout_files.make(session, currency="USD", actor="staff:test", now=NEXT_MORNING)

    assert (made.row.payout_count, made.row.control_sum_minor, made.without_bank_account) == (1, 100, [unknown])
    with pytest.raises(NothingToPayOut) as refused, transaction() as session:
        payout_files.make(session, currency="USD", actor="staff:test", now=NEXT_MORNING)
    assert refused.value.facts == {"without_bank_account": [str(unknown)]}


def test_settlement_beyond_now_is_refused(connection: Connection) -> None:
    with pytest.raises(SettlementInFuture):
        settle(NEXT_MORNING + timedelta(microseconds=1))
    assert settle(NEXT_MORNING).closed == []


def test_settlement_while_another_is_under_way_is_refused(books: Books, connection: Connection) -> None:
    pay(books, add_merchant(), 500)
    with transaction() as session:
        settlements.close(session, until=CUT, merchant_id=None, actor="staff:test", now=NEXT_MORNING)
        with pytest.raises(SettlementTwin):
            settle()
    assert count(connection, "wallet.settlement") == 1


def test_settlement_is_kept_as_it_was_closed(books: Books, connection: Connection) -> None:
    shop = add_merchant()
    pay(books, shop, 500)
    [closed] = settle().closed

    with transaction() as session:
        found = settlement_rows.find(session, closed.row.id, merchant_id=shop)
        assert (told(found), found.cuts, found.fundings) == (told(closed), closed.cuts, closed.fundings)
        assert [each.row.id for each in settlement_rows.page(session, merchant_id=shop, before=None, limit=5)] == [
            found.row.id
        ]
        assert settlement_rows.page(session, merchant_id=ids.new(), before=None, limit=5) == []
        with pytest.raises(NotFound):
            settlement_rows.find(session, closed.row.id, merchant_id=ids.new())
    for table in ("settlement", "settlement_cut", "settlement_funding"):
        with pytest.raises(Exception, match="written once"):
            connection.execute(f"DELETE FROM wallet.{table}")


@pytest.mark.parametrize(("after", "to"), [(0, 9), (1, 9), (None, 9), (5, 9), (3, 3)])
def test_cuts_leave_no_gap_and_no_overlap(books: Books, connection: Connection, after: int | None, to: int) -> None:
    shop = add_merchant()
    for _ in range(60):
        pay(books, shop, 5)
    [closed] = settle().closed
    cut = max(closed.cuts, key=lambda each: each.to)
    values = [closed.row.id, closed.row.account_id, cut.shard, after, to]

    with connection.transaction(force_rollback=True):
        connection.execute(
            "INSERT INTO wallet.settlement SELECT (jsonb_populate_record(s, %s)).* FROM wallet.settlement s",
            ['{"id": "01900000-0000-7000-8000-000000000000", "sequence": 2}'],
        )
        values[0] = UUID("01900000-0000-7000-8000-000000000000")
        with pytest.raises(Exception, match=r"settlement_cut"):
            connection.execute("INSERT INTO wallet.settlement_cut VALUES (%s, %s, %s, %s, %s)", values)


def test_terms_keep_their_history(connection: Connection) -> None:
    shop = add_merchant()
    set_terms(shop, 100, at=NOON)
    set_terms(shop, 100, at=NOON + timedelta(hours=1))
    set_terms(shop, 120, 5, at=NOON + timedelta(hours=2))

    with transaction() as session:
        history = merchant_terms.history(session, shop)
    assert [(each.fee_bps, each.fee_fixed_minor) for each in history] == [(120, 5), (100, 0)]
    assert count(connection, "core.audit_entry WHERE action = 'merchant.terms'") == 2


def test_terms_of_nobody_and_of_no_currency_are_refused(connection: Connection) -> None:
    with pytest.raises(MerchantUnknown):
        set_terms(ids.new(), 100)
    with pytest.raises(CurrencyUnknown), transaction() as session:
        merchant_terms.set_(
            session, merchant_id=add_merchant(), currency="XXX", fee_bps=0, fee_fixed_minor=0, reason="x",
            actor="staff:test", now=NOON,
        )  # fmt: skip


def test_sums_only_read(books: Books, connection: Connection) -> None:
    shop = add_merchant()
    pay(books, shop, 500)
    with connection.transaction():
        connection.execute("SET TRANSACTION READ ONLY")
        account_id = accounts.of_merchant(shop, "USD").id
        taken = settlement_sums.cut(connection, account_id, until=CUT, closed_before=None)
        assert taken and settlement_sums.sums(connection, account_id, shop, "USD", taken).gross == 500
