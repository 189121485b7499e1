"""Months' statements: whatever happened whenever, each month opens with what the one before closed with."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from core import ids
from core.db import transaction
from core.errors import NotFound
from tests.wallet.test_statements import move
from wallet import accounts, balances, months
from wallet.accounts import Opening
from wallet.months import Month, Statement

#: Where the hour changes in the night after 1 November 2026.
NEW_YORK = ZoneInfo("America/New_York")
START, NOW = datetime(2026, 9, 28, tzinfo=UTC), datetime(2026, 12, 5, tzinfo=UTC)


def of_month(customer_id: UUID, name: str) -> Statement:
    with transaction() as session:
        return months.statement(session, customer_id, month=months.named(name), most_lines=1000, zone=NEW_YORK, now=NOW)


@pytest.mark.parametrize(
    ("first", "begins", "ends"),
    [
        (date(2026, 10, 1), "2026-10-01T04:00:00+00:00", "2026-11-01T04:00:00+00:00"),
        (date(2026, 11, 1), "2026-11-01T04:00:00+00:00", "2026-12-01T05:00:00+00:00"),
        (date(2026, 12, 1), "2026-12-01T05:00:00+00:00", "2027-01-01T05:00:00+00:00"),
    ],
)
def test_month_is_the_brands_with_its_change_of_hours(first: date, begins: str, ends: str) -> None:
    month = Month(first)

    assert month.begins(NEW_YORK).astimezone(UTC).isoformat() == begins
    assert month.ends(NEW_YORK).astimezone(UTC).isoformat() == ends


@pytest.mark.parametrize("name", ["2026-00", "2026-13", "26-10", "2026-1", "0000-10", "", "2026-10\n", "٢٠٢٦-١٠"])
def test_what_names_no_month_is_not_found(name: str) -> None:
    with pytest.raises(NotFound):
        months.named(name)


moves = st.lists(
    st.tuples(st.integers(-300, 300).filter(bool), st.integers(0, 68 * 24 * 60), st.sampled_from(["USD", "EUR"])),
    min_size=1, max_size=12,
)  # fmt: skip


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=moves)
def test_each_month_opens_with_what_the_one_before_closed_with(
    connection: Connection, script: list[tuple[int, int, str]]
) -> None:
    customer_id = ids.new()
    free = [Opening(f"customer:{customer_id}", "cash", asset, None) for asset in ("USD", "EUR")]
    accounts.open_all(connection, [*free, accounts.of_provider("USD"), accounts.of_provider("EUR")])
    for amount, minutes, asset in script:
        move(connection, customer_id, amount, at=START + timedelta(minutes=minutes), asset=asset)

    with transaction() as session:
        names = [month.name for month in months.of_customer(session, customer_id, zone=NEW_YORK, now=NOW)][::-1]
    made = [of_month(customer_id, name) for name in names]

    standing, lines = {"USD": 0, "EUR": 0}, 0
    for statement in made:
        for section in statement.sections:
            assert section.opening == standing[section.asset]
            balance = section.opening
            for line in section.lines:
                balance += line.amount
                assert line.balance == balance
            assert section.closing == balance
            assert [line.at for line in section.lines] == sorted(line.at for line in section.lines)
            standing[section.asset], lines = balance, lines + len(section.lines)
    assert lines == len(script)
    with transaction() as session:
        now = {each.asset: each.posted for each in balances.of_customer(session, customer_id)}
    assert now == standing
