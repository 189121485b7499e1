"""Quiet hours are the customer's own, through midnights, changed clocks and moves from zone to zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engage.contacting import policy, quiet
from engage.contacting.quiet import Hold, Now, Skip

NIGHT = policy.parse({"quiet": {"from": "21:00", "to": "09:00", "channels": ["push", "sms"]}})
NEW_YORK, BERLIN, TOKYO = "America/New_York", "Europe/Berlin", "Asia/Tokyo"


def at(text: str, zone: str, *, fold: int = 0) -> datetime:
    """The instant of a wall clock in a zone."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def test_quiet_hours_are_the_customers_own() -> None:
    noon_in_new_york = at("2026-11-22T12:00", NEW_YORK)

    assert quiet.decide(NIGHT, NEW_YORK, noon_in_new_york, "hold") == Now()
    # In Tokyo it is two in the night of the 23rd.
    assert quiet.decide(NIGHT, TOKYO, noon_in_new_york, "hold") == Hold(at("2026-11-23T09:00", TOKYO))


def test_hold_or_skip_is_the_journeys_choice() -> None:
    night = at("2026-11-22T22:30", NEW_YORK)

    assert quiet.decide(NIGHT, NEW_YORK, night, "hold") == Hold(at("2026-11-23T09:00", NEW_YORK))
    assert quiet.decide(NIGHT, NEW_YORK, night, "skip") == Skip()
    assert quiet.decide(NIGHT, NEW_YORK, night, "pass") == Now()


@pytest.mark.parametrize(
    ("clock", "is_quiet"),
    [("20:59:59.999999", False), ("21:00", True), ("23:59", True), ("00:00", True), ("08:59", True), ("09:00", False)],
)
def test_quiet_begins_and_ends_to_the_moment(clock: str, is_quiet: bool) -> None:
    verdict = quiet.decide(NIGHT, NEW_YORK, at(f"2026-11-22T{clock}", NEW_YORK), "hold")

    assert isinstance(verdict, Hold) == is_quiet


def test_quiet_within_a_day_ends_on_that_day() -> None:
    siesta = policy.parse({"quiet": {"from": "13:00", "to": "15:00"}})

    assert quiet.decide(siesta, BERLIN, at("2026-11-22T13:00", BERLIN), "hold") == Hold(at("2026-11-22T15:00", BERLIN))
    assert quiet.decide(siesta, BERLIN, at("2026-11-22T15:00", BERLIN), "hold") == Now()
    assert quiet.decide(siesta, BERLIN, at("2026-11-22T12:59", BERLIN), "hold") == Now()


def test_a_channel_that_is_not_named_is_never_quiet() -> None:
    night = at("2026-11-22T22:30", NEW_YORK)

    assert quiet.decide(NIGHT, NEW_YORK, night, "hold", channel="email") == Now()
    assert quiet.decide(NIGHT, NEW_YORK, night, "hold", channel="inbox") == Now()
    assert quiet.decide(NIGHT, NEW_YORK, night, "hold", channel="push") != Now()


def test_the_brands_zone_holds_where_the_customers_is_not_known_or_lost() -> None:
    night = at("2026-11-22T22:30", NEW_YORK)

    for zone in (None, "", "Mars/Base", "../etc/passwd", "Europe"):
        assert quiet.decide(NIGHT, zone, night, "hold") == Hold(at("2026-11-23T09:00", NEW_YORK))


def test_the_night_on_which_clocks_are_put_forward_is_an_hour_shorter() -> None:
    # 28 March 2027, 02:00 to 03:00 does not exist in Berlin.
    verdict = quiet.decide(NIGHT, BERLIN, at("2027-03-27T21:00", BERLIN), "hold")

    assert verdict == Hold(at("2027-03-28T09:00", BERLIN))
    assert verdict.until - at("2027-03-27T21:00", BERLIN) == timedelta(hours=11)


def test_quiet_that_ends_in_the_gap_ends_after_it() -> None:
    early = policy.parse({"quiet": {"from": "22:00", "to": "02:30"}})

    assert quiet.decide(early, BERLIN, at("2027-03-28T01:50", BERLIN), "hold") == Hold(at("2027-03-28T03:30", BERLIN))


def test_quiet_that_ends_twice_ends_the_second_time() -> None:
    # 25 October 2026: 02:00 to 03:00 comes twice in Berlin.
    early = policy.parse({"quiet": {"from": "22:00", "to": "02:30"}})
    second = at("2026-10-25T02:30", BERLIN, fold=1)

    for fold in (0, 1):
        assert quiet.decide(early, BERLIN, at("2026-10-25T02:10", BERLIN, fold=fold), "hold") == Hold(second)
    assert quiet.decide(early, BERLIN, at("2026-10-24T23:00", BERLIN), "hold") == Hold(second)
    assert quiet.decide(early, BERLIN, second, "hold") == Now()


def test_without_quiet_hours_nothing_is_held() -> None:
    assert quiet.decide(policy.Policy(), NEW_YORK, at("2026-11-22T03:00", NEW_YORK), "skip") == Now()


_CLOCKS = st.times().map(lambda clock: f"{clock.hour:02}:{clock.minute:02}")
_ZONES = st.sampled_from(
    ["America/New_York", "Europe/Berlin", "Asia/Tokyo", "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns",
     "Pacific/Kiritimati", "Africa/Casablanca", "America/Santiago", "Asia/Kathmandu"]
)  # fmt: skip


@given(
    begins=_CLOCKS,
    ends=_CLOCKS,
    zone=_ZONES,
    instant=st.datetimes(min_value=datetime(2011, 1, 1), max_value=datetime(2035, 1, 1)),  # noqa: DTZ001
)
def test_what_is_held_is_held_into_the_open(begins: str, ends: str, zone: str, instant: datetime) -> None:
    if begins == ends:
        return
    holds = policy.parse({"quiet": {"from": begins, "to": ends}})
    when = instant.replace(tzinfo=UTC)

    verdict = quiet.decide(holds, zone, when, "hold")

    if isinstance(verdict, Hold):
        assert when < verdict.until <= when + timedelta(hours=49)  # Samoa once left out a whole day
        assert quiet.decide(holds, zone, verdict.until, "hold") == Now()
