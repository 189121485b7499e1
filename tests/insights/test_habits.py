"""Habits: the hour of a customer's own day around which they are there."""

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from connect import events as outside
from core import db
from core.db import connection_of
from core.events import Event
from insights import habits
from tests.insights.log import NOON, a_customer, at, order, play

UTC_ZONE, NEW_YORK, KOLKATA = ZoneInfo("UTC"), ZoneInfo("America/New_York"), ZoneInfo("Asia/Kolkata")


def opened(customer_id: UUID, hour: int, minute: int = 0) -> Event:
    return outside.made(
        type_="track",
        content={"type": "track", "event": "Application Opened", "properties": {}, "context": {}},
        customer_id=customer_id,
        subject_id=None,
        occurred_at=at((hour - 12) * 60 + minute),
    )


def hour_of(customer_id: UUID, zone: ZoneInfo, now: datetime = NOON) -> int | None:
    with db.transaction() as session:
        return habits.hours(connection_of(session), [customer_id], {customer_id: zone}, now=now).get(customer_id)


@pytest.mark.usefixtures("database")
def test_it_is_an_hour_of_the_customers_own_day() -> None:
    customer_id = a_customer()
    play(*[opened(customer_id, 12) for _ in range(5)])

    assert [hour_of(customer_id, zone) for zone in (UTC_ZONE, NEW_YORK)] == [12, 7]
    assert hour_of(customer_id, KOLKATA) in (17, 18)  # half past


@pytest.mark.parametrize(("times", "hour"), [(4, None), (5, 12)])
@pytest.mark.usefixtures("database")
def test_of_few_sightings_no_habit_is_told(times: int, hour: int | None) -> None:
    customer_id = a_customer()
    play(*[opened(customer_id, 12) for _ in range(times)], order(customer_id))

    assert hour_of(customer_id, UTC_ZONE) == hour


@pytest.mark.usefixtures("database")
def test_neighbours_count_so_that_ten_to_nine_and_ten_past_are_one_habit() -> None:
    customer_id = a_customer()
    play(
        *[opened(customer_id, 8, 50) for _ in range(3)],
        *[opened(customer_id, 9, 10) for _ in range(3)],
        *[opened(customer_id, 15) for _ in range(4)],
    )

    assert hour_of(customer_id, UTC_ZONE) == 8


@pytest.mark.usefixtures("database")
def test_midnight_is_no_edge() -> None:
    customer_id = a_customer()
    play(*[opened(customer_id, 23) for _ in range(3)], *[opened(customer_id, 24) for _ in range(4)])

    assert hour_of(customer_id, UTC_ZONE) == 0


@pytest.mark.usefixtures("database")
def test_nobody_asked_for_nobody_is_told() -> None:
    with db.transaction() as session:
        assert habits.hours(connection_of(session), [], {}, now=NOON) == {}
