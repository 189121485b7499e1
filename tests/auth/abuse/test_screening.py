"""What a code has to pass before it is sent: countries, devices, prefixes, the day's cap."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from auth.abuse import screening
from auth.errors import OAuthRefusal
from core.db import transaction
from core.settings import Settings

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SETTINGS = Settings(environment="test")
AMERICAN, BRITISH = "+12125550142", "+447700900123"

pytestmark = pytest.mark.usefixtures("database")


def admit(
    phone: str = AMERICAN,
    *,
    address: str = "192.0.2.1",
    device_id: str | None = None,
    settings: Settings = SETTINGS,
    now: datetime = NOW,
) -> OAuthRefusal | None:
    with transaction() as session:
        return screening.admit(session, phone=phone, address=address, device_id=device_id, settings=settings, now=now)


def prove(phone: str, address: str) -> None:
    with transaction() as session:
        screening.count_proved(session, phone=phone, address=address, sent_at=NOW, settings=SETTINGS, now=NOW)


@pytest.mark.parametrize(
    ("served", "phone", "is_sent"),
    [
        ("", BRITISH, True),
        ("US,CA", AMERICAN, True),
        ("US,CA", BRITISH, False),
        ("GB", BRITISH, True),
        ("US", "+883510000000094", False),  # of no country
        ("", "+883510000000094", True),
    ],
)
def test_codes_go_to_the_countries_that_are_served(served: str, phone: str, is_sent: bool) -> None:
    refusal = admit(phone, settings=replace(SETTINGS, otp_countries=served))

    assert (refusal is None) is is_sent
    if refusal:
        assert (refusal.error, refusal.status) == ("invalid_request", 400)


def test_a_device_gets_ten_codes_a_day_whatever_it_calls_itself_by() -> None:
    asked = [admit(f"+1212555{n:04}", address=f"198.51.100.{n}", device_id="d-1") for n in range(11)]

    assert [refusal is None for refusal in asked] == [True] * 10 + [False]
    assert admit("+12125550099", address="198.51.100.99", device_id="d-2") is None
    assert admit("+12125550099", device_id="d-1", now=NOW + timedelta(days=1)) is None


def test_a_prefix_gets_a_hundred_codes_an_hour_from_strangers() -> None:
    asked = [admit(f"+1212555{n:04}", address=f"198.51.100.{n}") for n in range(101)]

    assert [refusal is None for refusal in asked] == [True] * 100 + [False]
    assert admit("+12135550142", address="203.0.113.9") is None
    prove(AMERICAN, "192.0.2.1")
    assert admit(AMERICAN) is None


def test_the_days_last_tenth_is_kept_for_who_is_known() -> None:
    settings = replace(SETTINGS, otp_daily_most=10)
    asked = [admit(f"+1212555{n:04}", address=f"198.51.100.{n}", settings=settings) for n in range(12)]
    assert [refusal is None for refusal in asked] == [True] * 9 + [False] * 3
    prove(AMERICAN, "192.0.2.1")

    known = [admit(settings=settings) for _ in range(2)]

    assert [refusal is None for refusal in known] == [True, False]
    assert admit(settings=settings, now=NOW + timedelta(days=1)) is None


@pytest.mark.parametrize(("days", "is_known"), [(0, True), (90, True), (181, False)])
def test_who_proved_a_number_is_no_stranger_for_ninety_days_at_least(days: int, is_known: bool) -> None:
    settings, later = replace(SETTINGS, otp_daily_most=10), NOW + timedelta(days=days)
    prove(AMERICAN, "192.0.2.1")
    for n in range(9):
        assert admit(f"+1212555{n:04}", address=f"198.51.100.{n}", settings=settings, now=later) is None

    assert (admit(settings=settings, now=later) is None) == is_known
