"""The breaker: where codes go unused no more are sent for a while."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from auth.abuse import breaker, screening
from auth.abuse.models import OtpStop, OtpTally
from auth.errors import OAuthRefusal
from core.db import transaction
from core.events.log import EventRow
from core.settings import Settings

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SCOPE = "prefix:+4477009"
COUNTRY = "country:GB"
SETTINGS = Settings(environment="test")

pytestmark = pytest.mark.usefixtures("database")


def send(times: int = 1, *, used: int = 0, scopes: tuple[str, ...] = (SCOPE,), now: datetime) -> list[int | None]:
    """So many codes are asked for, and so many of them used at once; what each was told."""
    waits = []
    for number in range(times):
        with transaction() as session:
            waits.append(breaker.send(session, scopes, is_known=False, now=now))
            if number < used:
                breaker.use(session, scopes, sent_at=now)
    return waits


def later(**by: float) -> datetime:
    return NOW + timedelta(**by)


def test_fifty_codes_of_which_none_is_used_stop_their_prefix() -> None:
    assert send(50, now=NOW) == [None] * 50

    assert send(now=later(minutes=10)) == [1800]
    assert send(now=later(minutes=39, seconds=59)) == [1]
    with transaction() as session:
        told = session.scalars(select(EventRow).where(EventRow.name == "otp.stopped")).one()
        assert told.payload["scope"] == SCOPE


def test_forty_nine_do_not() -> None:
    send(49, now=NOW)

    assert send(now=later(minutes=10)) == [None]


def test_one_used_in_ten_is_what_honest_people_do() -> None:
    send(50, used=5, now=NOW)

    assert send(now=later(minutes=10)) == [None]


def test_fewer_than_one_in_ten_is_not() -> None:
    send(50, used=4, now=NOW)

    assert send(now=later(minutes=10)) == [1800]


def test_codes_that_may_still_be_typed_are_not_held_against_anyone() -> None:
    send(60, now=NOW)

    assert send(now=later(minutes=9, seconds=59)) == [None]


def test_after_two_hours_nothing_is_held_against_a_prefix() -> None:
    send(60, now=NOW)

    assert send(now=later(hours=2, seconds=1)) == [None]


def test_other_prefixes_go_on() -> None:
    send(50, now=NOW)
    send(now=later(minutes=10))

    assert send(scopes=("prefix:+4477008",), now=later(minutes=10)) == [None]


def test_who_is_known_passes_and_is_counted() -> None:
    send(50, now=NOW)
    send(now=later(minutes=10))

    with transaction() as session:
        assert breaker.send(session, [SCOPE], is_known=True, now=later(minutes=10)) is None
        tally = session.get_one(OtpTally, (SCOPE, later(minutes=10)))
        assert tally.sent == 1


def stop() -> datetime:
    """When the stop that was made has just ended."""
    send(50, now=NOW)
    assert send(now=later(minutes=10)) == [1800]
    return later(minutes=40)


def test_when_a_stop_is_over_ten_are_sent_on_trial() -> None:
    over = stop()

    assert send(10, now=over) == [None] * 10
    assert send(now=over) == [300]  # until these have run out


def test_a_trial_of_which_nothing_is_used_stops_again() -> None:
    over = stop()
    send(10, now=over)

    assert send(now=over + timedelta(minutes=5)) == [1800]


def test_a_trial_that_goes_well_ends_the_matter() -> None:
    over = stop()
    send(10, used=1, now=over)
    healed = over + timedelta(minutes=5)

    assert send(20, now=healed) == [None] * 20
    with transaction() as session:
        assert session.get(OtpStop, SCOPE) is None


def test_a_country_is_stopped_as_a_whole_but_for_the_brands_own() -> None:
    assert breaker.scopes_of(prefix="+4477009", country="GB", home="US") == [SCOPE, COUNTRY]
    assert breaker.scopes_of(prefix="+1212555", country="US", home="US") == ["prefix:+1212555"]
    assert breaker.scopes_of(prefix="+8831000", country=None, home="US") == ["prefix:+8831000"]


def admit(phone: str, *, now: datetime = NOW, address: str = "192.0.2.1", **more: Any) -> OAuthRefusal | None:
    with transaction() as session:
        return screening.admit(
            session, phone=phone, address=address, device_id=None, settings=replace(SETTINGS, **more), now=now
        )


def test_two_hundred_numbers_of_one_prefix_open_the_breaker_and_others_sign_in() -> None:
    pumped = [
        admit(f"+4477009{number:05}", address=f"198.51.100.{number}", now=NOW + timedelta(seconds=number))
        for number in range(200)
    ]
    assert sum(refusal is None for refusal in pumped) == 100  # the prefix's hour

    at = later(hours=1)
    refused = admit("+447700999999", address="203.0.113.1", now=at)

    assert refused is not None
    assert (refused.error, refused.status, refused.retry_after_seconds) == ("slow_down", 429, 1800)
    assert admit("+12125550142", address="203.0.113.1", now=at) is None
    # The whole country was asked for nothing else: its numbers wait, too.
    assert admit("+447400123456", address="203.0.113.2", now=at) is not None
    assert admit("+33612345678", address="203.0.113.3", now=at) is None


def test_tallies_are_forgotten_once_nothing_is_judged_by_them() -> None:
    send(now=NOW)

    with transaction() as session:
        assert breaker.forget(session, now=later(hours=3), most=10) == 0
        assert breaker.forget(session, now=later(hours=3, seconds=1), most=10) == 1


def test_a_stop_at_which_nobody_asks_is_forgotten_after_a_day() -> None:
    ended = stop()
    with transaction() as session:
        breaker.forget(session, now=ended + timedelta(days=1), most=10)
        assert session.get(OtpStop, SCOPE) is not None
        session.expire_all()
        breaker.forget(session, now=ended + timedelta(days=1, seconds=1), most=10)
        assert session.get(OtpStop, SCOPE) is None
