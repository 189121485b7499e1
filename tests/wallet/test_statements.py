"""Statements: what is looked for is found, pages hold still, and balances of any instant are what replaying gives."""

from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from core import ids
from core.db import transaction
from tests.wallet.conftest import NOW
from wallet import accounts, balances, holds, ledger, statements
from wallet.accounts import Opening
from wallet.holds import Placing
from wallet.ledger import Transfer
from wallet.statements import Line, Search


@pytest.fixture
def customer_id(connection: Connection) -> UUID:
    customer_id = ids.new()
    openings = [accounts.of_customer(customer_id, "USD"), accounts.of_customer(customer_id, "EUR")]
    accounts.open_all(connection, [*openings, accounts.of_provider("USD"), accounts.of_provider("EUR")])
    return customer_id


def move(
    connection: Connection, customer_id: UUID, amount: int, *, at: datetime = NOW, asset: str = "USD",
    kind: str = "test", **details: object,
) -> UUID:  # fmt: skip
    """An amount onto a customer's cash, or off it."""
    cash = accounts.of_customer(customer_id, asset)
    made = Transfer(
        id=ids.new(), principal="test", key=str(ids.new()), fingerprint=b"", kind=kind, effective_at=at,
        legs=(accounts.of_provider(asset).leg(-amount), cash.leg(amount)), details=details,
    )  # fmt: skip
    return ledger.post(connection, made).transfer_id


def found(customer_id: UUID, **search: object) -> list[int]:
    """The amounts of what is found."""
    with transaction() as session:
        lines = statements.entries(session, owner=f"customer:{customer_id}", search=Search(**search))  # type: ignore[arg-type]
    return [line.amount for line in lines]


def as_of(customer_id: UUID, at: datetime, recorded_by: datetime | None = None) -> dict[str, int]:
    with transaction() as session:
        rows = balances.of_customer_as_of(session, customer_id, at=at, recorded_by=recorded_by)
    return {row.asset: row.posted for row in rows if row.posted}


def test_a_line_is_found_by_what_it_is(connection: Connection, customer_id: UUID) -> None:
    merchant_id = ids.new()
    move(connection, customer_id, 1000, kind="topup", at=NOW - timedelta(days=2))
    move(connection, customer_id, -250, kind="payment", merchant_id=str(merchant_id), reference="Order 50% off")
    move(connection, customer_id, -7, kind="payment", merchant_id=str(ids.new()), reference="order 505")
    move(connection, customer_id, 30, asset="EUR", at=NOW + timedelta(seconds=1))

    assert found(customer_id) == [30, -7, -250, 1000]
    assert found(customer_id, kind="payment") == [-7, -250]
    assert found(customer_id, kind="refund") == []
    assert found(customer_id, purpose="cash", asset="EUR") == [30]
    assert found(customer_id, purpose="points") == []
    assert found(customer_id, merchant_id=merchant_id) == [-250]
    assert found(customer_id, text="ORDER 5") == [-7, -250]
    assert found(customer_id, text="50% o") == [-250]
    assert found(customer_id, text="_") == []
    assert found(customer_id, kind="payment", text="order", least=8) == [-250]


def test_amounts_and_times_are_found_up_to_their_bounds(connection: Connection, customer_id: UUID) -> None:
    for day, amount in enumerate((100, -40, 40)):
        move(connection, customer_id, amount, at=NOW + timedelta(days=day))

    assert found(customer_id, least=40) == [40, -40, 100]
    assert found(customer_id, least=41) == [100]
    assert found(customer_id, most=40) == [40, -40]
    assert found(customer_id, most=39) == []
    assert found(customer_id, since=NOW + timedelta(days=1)) == [40, -40]
    assert found(customer_id, until=NOW + timedelta(days=1)) == [100]


def test_another_customers_lines_are_not_found(connection: Connection, customer_id: UUID) -> None:
    move(connection, customer_id, 100, reference="mine")

    assert found(ids.new(), text="mine") == []


def test_pages_hold_still_while_entries_are_added(connection: Connection, customer_id: UUID) -> None:
    made = [move(connection, customer_id, amount, reference="it") for amount in range(1, 8)]
    search, seen, before = Search(text="it"), list[Line](), None

    while True:
        with transaction() as session:
            page = statements.entries(session, owner=f"customer:{customer_id}", search=search, before=before, limit=2)
        if not page:
            break
        seen += page
        before = (page[-1].transfer_id, page[-1].account_id)
        move(connection, customer_id, 100, reference="it")

    assert [line.transfer_id for line in seen] == made[::-1]
    assert [line.balance_after for line in seen] == [28, 21, 15, 10, 6, 3, 1]


def test_balance_as_of_an_instant_counts_that_instant(connection: Connection, customer_id: UUID) -> None:
    move(connection, customer_id, 100, at=NOW)
    move(connection, customer_id, -30, at=NOW + timedelta(hours=1))

    assert as_of(customer_id, NOW - timedelta(microseconds=1)) == {}
    assert as_of(customer_id, NOW) == {"USD": 100}
    assert as_of(customer_id, NOW + timedelta(hours=1)) == {"USD": 70}


def test_what_is_recorded_late_is_left_out_as_it_was_known_before(connection: Connection, customer_id: UUID) -> None:
    move(connection, customer_id, 100, at=NOW)
    known = connection.execute("SELECT clock_timestamp()").fetchone()
    assert known
    move(connection, customer_id, 25, at=NOW - timedelta(days=1))

    assert as_of(customer_id, NOW) == {"USD": 125}
    assert as_of(customer_id, NOW, recorded_by=known[0]) == {"USD": 100}
    assert as_of(customer_id, NOW - timedelta(days=1)) == {"USD": 25}
    assert as_of(customer_id, NOW - timedelta(days=1), recorded_by=known[0]) == {}
    assert found(customer_id, recorded_by=known[0]) == [100]


def test_what_was_promised_then_was_not_available_then(connection: Connection, customer_id: UUID) -> None:
    move(connection, customer_id, 100, at=NOW)
    cash = accounts.of_customer(customer_id, "USD")
    keys = {"principal": "test", "fingerprint": b""}
    placing = Placing(
        **keys, key="hold", kind="payment", customer_id=customer_id, sources=[(cash, 60)], currency="USD",
        expires_at=NOW + timedelta(days=1), at=NOW + timedelta(hours=1),
    )  # type: ignore[arg-type]  # fmt: skip
    with transaction() as session:
        hold_id = holds.place(session, placing).transfer_id
    with transaction() as session:
        holds.void(session, hold_id, key="void", at=NOW + timedelta(hours=2), **keys)  # type: ignore[arg-type]

    with transaction() as session:
        told = [
            balances.of_customer_as_of(session, customer_id, at=NOW + timedelta(hours=hour))[-1].available
            for hour in range(3)
        ]

    assert told == [100, 40, 100]


def test_a_closed_account_held_what_it_held(connection: Connection, customer_id: UUID) -> None:
    move(connection, customer_id, 100, asset="EUR", at=NOW)
    move(connection, customer_id, -100, asset="EUR", at=NOW + timedelta(hours=1))
    euros = accounts.of_customer(customer_id, "EUR").id
    connection.execute("UPDATE wallet.account SET status = 'closed' WHERE id = %s", [euros])

    with transaction() as session:
        now = balances.of_customer_as_of(session, customer_id, at=NOW + timedelta(hours=1))

    assert as_of(customer_id, NOW) == {"EUR": 100}
    assert [each.asset for each in now] == ["USD"]


def test_a_customer_whose_wallet_is_not_open_yet_had_nothing(database: None) -> None:
    with transaction() as session:
        (cash,) = balances.of_customer_as_of(session, ids.new(), at=NOW)

    assert (cash.purpose, cash.posted, cash.available) == ("cash", 0, 0)


moves = st.lists(
    st.tuples(st.integers(-200, 400).filter(bool), st.integers(0, 9), st.sampled_from(["USD", "EUR"])), max_size=15
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=moves, asked=st.integers(-1, 10))
def test_balance_as_of_is_what_replaying_the_entries_gives(
    connection: Connection, script: list[tuple[int, int, str]], asked: int
) -> None:
    owner = Opening(f"customer:{ids.new()}", "cash", "USD", None)
    customer_id = UUID(owner.owner.removeprefix("customer:"))
    free = [Opening(owner.owner, "cash", asset, None) for asset in ("USD", "EUR")]
    accounts.open_all(connection, [*free, accounts.of_provider("USD"), accounts.of_provider("EUR")])
    for amount, hour, asset in script:
        move(connection, customer_id, amount, at=NOW + timedelta(hours=hour), asset=asset)

    replayed: Counter[str] = Counter()
    for amount, hour, asset in script:
        if hour <= asked:
            replayed[asset] += amount

    told = as_of(customer_id, NOW + timedelta(hours=asked))
    assert told == {asset: amount for asset, amount in replayed.items() if amount}
