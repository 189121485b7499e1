"""Caps hold over all journeys, on the customer's own calendar, and against two workers at one moment."""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from auth import customers
from auth.customers import SignUp
from core.db import transaction
from engage.contacting import caps, policy
from engage.contacting.caps import Caps, Key
from engage.contacting.models import CapCount
from engage.contacting.policy import Cap
from rewards.funds import Beaten, post_with

NOON = datetime(2026, 11, 22, 17, tzinfo=UTC)  # noon in New York, two in the night of the 23rd in Tokyo
DAILY = policy.parse(
    {"caps": [{"channel": "any", "per": "day", "most": 2}, {"channel": "sms", "per": "week", "most": 1}]}
)
ONCE = policy.parse({"caps": [{"channel": "any", "per": "day", "most": 1}]})


@pytest.fixture
def made(database: None) -> list[UUID]:
    """Two customers: in New York and in Tokyo."""
    zones = ("America/New_York", "Asia/Tokyo")
    rows = [SignUp(phone=f"+1212555010{number}", time_zone=zone) for number, zone in enumerate(zones)]
    with transaction() as session:
        return customers.sign_up_all(session, rows, now=NOON)


def take(customer_id: UUID, channel: str, *, holds: policy.Policy = DAILY, now: datetime = NOON) -> bool:
    """One message of a batch of its own."""
    with transaction() as session:
        found = caps.lock(session, [customer_id], holds, now)
        is_taken = found.take(customer_id, channel)
        caps.write(session, found)
        return is_taken


def counts() -> dict[tuple[str, str], int]:
    with transaction() as session:
        return {(row.cap, row.bucket): row.used for row in session.scalars(select(CapCount))}


def test_a_customer_gets_so_many_and_no_more(made: list[UUID]) -> None:
    assert [take(made[0], "push") for _ in range(3)] == [True, True, False]
    assert counts() == {("any:day", "2026-11-22"): 2}
    assert take(made[1], "push")  # everyone has caps of their own


def test_a_message_counts_under_every_cap_on_its_channel_or_under_none(made: list[UUID]) -> None:
    assert take(made[0], "sms")
    assert counts() == {("any:day", "2026-11-22"): 1, ("sms:week", "2026-W47"): 1}

    assert not take(made[0], "sms")  # the week's is used up
    assert counts()["any:day", "2026-11-22"] == 1
    assert take(made[0], "email")


def test_days_weeks_and_months_are_the_customers_own(made: list[UUID]) -> None:
    holds = policy.parse({"caps": [{"channel": "any", "per": per, "most": 5} for per in policy.PERIODS]})
    new_years_eve = datetime(2026, 12, 31, 17, tzinfo=UTC)

    for customer_id in made:
        take(customer_id, "push", holds=holds, now=new_years_eve)

    assert set(counts()) == {
        ("any:day", "2026-12-31"), ("any:week", "2026-W53"), ("any:month", "2026-12"),
        ("any:day", "2027-01-01"), ("any:month", "2027-01"),
    }  # fmt: skip


def test_the_day_begins_at_the_customers_midnight(made: list[UUID]) -> None:
    midnight = datetime(2026, 11, 23, 5, tzinfo=UTC)

    assert [take(made[0], "push", holds=ONCE, now=midnight - timedelta(microseconds=1)) for _ in range(2)] == [
        True,
        False,
    ]
    assert [take(made[0], "push", holds=ONCE, now=midnight) for _ in range(2)] == [True, False]


def test_what_is_held_until_tomorrow_is_one_of_tomorrows(made: list[UUID]) -> None:
    tomorrow = NOON + timedelta(days=1)
    with transaction() as session:
        found = caps.lock(session, made, ONCE, NOON)
        assert found.take(made[0], "push", tomorrow)
        assert found.marks(made[0], "push", tomorrow) == [("any:day", "2026-11-23")]
        caps.write(session, found)

    assert take(made[0], "push", holds=ONCE)
    assert not take(made[0], "push", holds=ONCE, now=tomorrow)
    with transaction() as session:
        later = caps.lock(session, made, ONCE, NOON)
        assert not later.take(made[0], "push", tomorrow)  # already known today


def test_within_a_batch_each_message_counts(made: list[UUID]) -> None:
    with transaction() as session:
        found = caps.lock(session, made, DAILY, NOON)
        assert [found.take(made[0], "push") for _ in range(3)] == [True, True, False]
        caps.write(session, found)

    assert counts() == {("any:day", "2026-11-22"): 2}


def test_a_cap_of_none_lets_none_pass(made: list[UUID]) -> None:
    assert not take(made[0], "push", holds=policy.parse({"caps": [{"channel": "push", "per": "month", "most": 0}]}))


def test_a_cap_that_was_lowered_holds_at_once(made: list[UUID]) -> None:
    assert [take(made[0], "push") for _ in range(2)] == [True, True]

    assert not take(made[0], "push", holds=ONCE)
    assert take(made[0], "push", holds=policy.parse({"caps": [{"channel": "any", "per": "day", "most": 3}]}))


def test_without_caps_nothing_is_read_or_written(made: list[UUID]) -> None:
    assert take(made[0], "push", holds=policy.Policy())
    assert counts() == {}


def test_two_batches_on_one_cap_do_not_both_pass(made: list[UUID]) -> None:
    """Neither finds a row to lock: the second to write is beaten, repeats, and finds nothing left."""
    both_read, outcomes = threading.Barrier(2), []

    def batch() -> None:
        tries = []

        def work(*_: object) -> bool:
            found = caps.lock(session, [made[0]], ONCE, NOON)
            is_taken = found.take(made[0], "push")
            if not tries:
                both_read.wait(timeout=10)
            tries.append(is_taken)
            caps.write(session, found)
            return is_taken

        with transaction() as session:
            outcomes.append((post_with(session, work), len(tries)))

    threads = [threading.Thread(target=batch) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == [(False, 2), (True, 1)]
    assert counts() == {("any:day", "2026-11-22"): 1}


def test_a_second_batch_waits_for_the_first_where_there_is_a_row(made: list[UUID]) -> None:
    take(made[0], "push")
    has_locked, outcomes = threading.Event(), []

    def second() -> None:
        has_locked.wait(timeout=10)
        outcomes.append(take(made[0], "push"))

    thread = threading.Thread(target=second)
    thread.start()
    with transaction() as session:
        found = caps.lock(session, [made[0]], DAILY, NOON)
        has_locked.set()
        outcomes.append(found.take(made[0], "push"))
        caps.write(session, found)
        thread.join(timeout=0.2)  # it waits for our row
        assert thread.is_alive()
    thread.join()

    assert outcomes == [True, False]
    assert counts() == {("any:day", "2026-11-22"): 2}


def test_a_twin_that_was_first_beats_the_batch(made: list[UUID]) -> None:
    with pytest.raises(Beaten), transaction() as session:
        found = caps.lock(session, [made[0]], ONCE, NOON)
        assert found.take(made[0], "push")
        assert take(made[0], "push", holds=ONCE)
        caps.write(session, found)


def give_back(keys: Sequence[Key]) -> None:
    with transaction() as session:
        caps.give_back(session, keys)


def test_what_did_not_leave_is_given_back(made: list[UUID]) -> None:
    for _ in range(2):
        take(made[0], "push")
    key = (made[0], "any:day", "2026-11-22")

    give_back([key])
    assert take(made[0], "push")
    give_back([key, key])
    give_back([key, (made[1], "any:day", "2026-11-22"), (made[0], "gone:day", "x")])  # never below none
    assert counts() == {("any:day", "2026-11-22"): 0}
    give_back([])


_CAPS = st.lists(
    st.builds(Cap, st.sampled_from((policy.ANY, "push", "sms")), st.sampled_from(policy.PERIODS), st.integers(0, 3)),
    max_size=4,
    unique_by=lambda cap: cap.name,
)
_ZONES = ("America/New_York", "Asia/Tokyo", "Pacific/Apia")
_WISHES = st.lists(
    st.tuples(
        st.sampled_from(_ZONES),
        st.sampled_from(("push", "sms", "email")),
        st.datetimes(datetime(2026, 11, 20), datetime(2027, 1, 10), timezones=st.just(UTC)),  # noqa: DTZ001
    ),
    max_size=40,
)


@given(terms=_CAPS, wishes=_WISHES)
def test_nobody_ever_gets_more_than_any_cap_allows_or_less(
    terms: list[Cap], wishes: list[tuple[str, str, datetime]]
) -> None:
    """Counted naively, message by message, on each customer's own wall calendar."""
    customer_of = {zone: UUID(int=number) for number, zone in enumerate(_ZONES)}
    found = Caps(policy.Policy(caps=tuple(terms)), NOON, {customer_of[zone]: zone for zone in _ZONES})
    got: list[tuple[str, str, date]] = []

    for zone, channel, at in wishes:
        day = at.astimezone(ZoneInfo(zone)).date()
        is_full = any(_number_in(got, cap, zone, day) >= cap.most for cap in terms if cap.channel in ("any", channel))
        assert found.take(customer_of[zone], channel, at) is not is_full
        if not is_full:
            got.append((zone, channel, day))


def _number_in(got: list[tuple[str, str, date]], cap: Cap, zone: str, day: date) -> int:
    same: dict[str, Callable[[date], object]] = {
        "day": lambda other: other == day,
        "week": lambda other: other.isocalendar()[:2] == day.isocalendar()[:2],
        "month": lambda other: (other.year, other.month) == (day.year, day.month),
    }
    return sum(
        whose == zone and cap.channel in ("any", channel) and bool(same[cap.per](other))
        for whose, channel, other in got
    )


@pytest.mark.parametrize(
    ("per", "day", "bucket", "ends_on"),
    [
        ("day", date(2026, 12, 31), "2026-12-31", date(2027, 1, 1)),
        ("week", date(2027, 1, 3), "2026-W53", date(2027, 1, 4)),
        ("week", date(2027, 1, 4), "2027-W01", date(2027, 1, 11)),
        ("month", date(2028, 2, 29), "2028-02", date(2028, 3, 1)),
        ("month", date(2026, 12, 1), "2026-12", date(2027, 1, 1)),
    ],
)
def test_buckets_know_their_end(per: str, day: date, bucket: str, ends_on: date) -> None:
    assert caps.bucket_of(per, day) == (bucket, ends_on)
    assert caps._end_of(policy.Cap("any", per, 1), bucket) == ends_on


def test_counts_of_days_that_are_over_are_swept_away(made: list[UUID]) -> None:
    take(made[0], "sms")

    with transaction() as session:
        assert caps.forget(session, before=date(2026, 11, 23), most=10) == 0
        assert caps.forget(session, before=date(2026, 11, 24), most=10) == 2  # the day's and the week's end alike
    assert counts() == {}
