"""Days that customers have are told once a year, as they begin where the customer is."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from auth import customers
from core import db
from core.db import connection_of
from insights.segments import dates
from tests.insights.log import identify, play
from tests.suspending import suspend

#: Noon on 13 May in London; New York is the brand's zone.
MADE = datetime(2026, 5, 13, 11, tzinfo=UTC)


def a_customer(phone: str, zone: str | None = None, **birthday: str) -> UUID:
    with db.transaction() as session:
        customer = customers.sign_up(session, phone=phone, locale=None, time_zone=zone, now=MADE)
        if birthday:
            customers.change(session, customer.id, changes=dict(birthday), now=MADE)
        return customer.id


def with_trait(value: Any, zone: str | None = None, phone: str = "+12125550142") -> UUID:
    customer_id = a_customer(phone, zone)
    play(identify(customer_id, traits={"renewal": value}))
    return customer_id


def watch(trait: str = "renewal", *, days_before: int = 0, now: datetime = MADE) -> None:
    with db.transaction() as session:
        dates.watch(session, trait, days_before=days_before, now=now)


def tell(now: datetime) -> list[tuple[UUID, str, int]]:
    """What is announced by this moment: customer, day, days before."""
    while dates.tell_due(now):
        pass
    with db.transaction() as session:
        rows = connection_of(session).execute(
            "SELECT customer_id, payload ->> 'day', (payload ->> 'days_before')::int FROM core.event"
            " WHERE name = 'date.reached' ORDER BY seq"
        )
        return [(row[0], row[1], row[2]) for row in rows]


@pytest.mark.usefixtures("database")
def test_a_day_is_told_as_it_begins_where_the_customer_is() -> None:
    tokyo, brand = with_trait("05-14", "Asia/Tokyo"), with_trait("1990-05-14", None, "+12125550143")
    watch()

    tokyo_midnight, new_york_midnight = datetime(2026, 5, 13, 15, tzinfo=UTC), datetime(2026, 5, 14, 4, tzinfo=UTC)
    told = [
        tell(tokyo_midnight - timedelta(seconds=1)),
        tell(tokyo_midnight),
        tell(new_york_midnight - timedelta(seconds=1)),
        tell(new_york_midnight),
        tell(new_york_midnight + timedelta(days=30)),
    ]

    assert told[:3] == [[], [(tokyo, "2026-05-14", 0)], [(tokyo, "2026-05-14", 0)]]
    assert told[3] == told[4] == [(tokyo, "2026-05-14", 0), (brand, "2026-05-14", 0)]


@pytest.mark.usefixtures("database")
def test_it_comes_again_every_year() -> None:
    customer_id = with_trait("05-14")
    watch()

    tell(datetime(2026, 5, 14, 12, tzinfo=UTC))

    assert tell(datetime(2027, 5, 14, 12, tzinfo=UTC)) == [
        (customer_id, "2026-05-14", 0),
        (customer_id, "2027-05-14", 0),
    ]


@pytest.mark.usefixtures("database")
def test_days_before_are_told_before() -> None:
    customer_id = with_trait("05-20")
    watch(days_before=3)

    assert tell(datetime(2026, 5, 17, 3, 59, tzinfo=UTC)) == []
    assert tell(datetime(2026, 5, 17, 4, 0, tzinfo=UTC)) == [(customer_id, "2026-05-20", 3)]


@pytest.mark.usefixtures("database")
def test_days_that_began_before_anybody_waited_are_told_to_nobody() -> None:
    with_trait("05-13")
    watch()

    assert tell(MADE) == []
    assert tell(MADE + timedelta(days=3)) == []


@pytest.mark.parametrize(
    ("year", "month", "day"),
    [(2027, 2, 28), (2028, 2, 29)],  # a common year, and a leap year
)
@pytest.mark.usefixtures("database")
def test_those_of_29_february_have_theirs_on_the_28th_in_common_years(year: int, month: int, day: int) -> None:
    customer_id = with_trait("1992-02-29")
    watch(now=datetime(year, 2, 20, tzinfo=UTC))

    told = tell(datetime(year, 3, 2, tzinfo=UTC))

    assert told == [(customer_id, f"{year}-{month:02}-{day:02}", 0)]


@pytest.mark.parametrize("value", ["2027-05-14", "05-14 ", "14.05.1990", 514, True, ["05-14"], "1990-5-14"])
@pytest.mark.usefixtures("database")
def test_what_is_no_day_or_is_yet_to_come_is_not_told(value: Any) -> None:
    with_trait(value)
    watch()

    assert tell(datetime(2026, 5, 15, 12, tzinfo=UTC)) == []


@pytest.mark.usefixtures("database")
def test_a_birthday_is_found_though_it_is_sealed() -> None:
    customer_id = a_customer("+12125550142", "Europe/London", birthday="1990-05-14")
    a_customer("+12125550143", "Europe/London", birthday="05-15")
    watch("birthday")

    assert tell(datetime(2026, 5, 13, 23, tzinfo=UTC)) == [(customer_id, "2026-05-14", 0)]


@pytest.mark.usefixtures("database")
def test_after_an_outage_days_are_told_late_but_not_by_weeks() -> None:
    customer_id = with_trait("05-20")
    with_trait("05-14", None, "+12125550143")
    watch()

    assert tell(datetime(2026, 5, 22, 12, tzinfo=UTC)) == [(customer_id, "2026-05-20", 0)]


@pytest.mark.usefixtures("database")
def test_many_are_told_page_by_page_and_once_though_workers_die(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dates, "_AT_ONCE", 2)
    people = sorted(with_trait("05-14", None, f"+1212555{1000 + place}") for place in range(5))
    watch()
    noon = datetime(2026, 5, 14, 12, tzinfo=UTC)
    announce, calls = dates._announce, []

    def die(*given: Any) -> None:
        announce(*given)
        calls.append(given)
        if len(calls) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(dates, "_announce", die)
    with pytest.raises(KeyboardInterrupt):
        tell(noon)

    assert [each[0] for each in tell(noon)] == people[:2]  # whoever claimed it has a lease
    assert [each[0] for each in tell(noon + timedelta(minutes=5))] == people


@pytest.mark.usefixtures("database")
def test_suspended_customers_are_told_nothing() -> None:
    customer_id = with_trait("05-14")
    with db.transaction() as session:
        suspend(session, customer_id)
    watch()

    assert tell(datetime(2026, 5, 14, 12, tzinfo=UTC)) == []
