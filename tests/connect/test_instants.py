"""Device clocks are corrected, and those off by years are bounded."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connect import instants

RECEIVED = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("timestamp", "sent_at", "expected"),
    [
        ("2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z", "2026-11-20T11:00:00+00:00"),
        ("2026-11-20T10:00:00Z", "2026-11-20T10:05:00Z", "2026-11-20T11:55:00+00:00"),
        ("1970-01-01T00:00:10Z", "1970-01-01T00:01:00Z", "2026-11-20T11:59:10+00:00"),
        ("2026-11-20T06:00:00-05:00", None, "2026-11-20T11:00:00+00:00"),
        ("2026-11-20T11:00:00", None, "2026-11-20T11:00:00+00:00"),
        ("2019-03-01T00:00:00Z", None, "2019-03-01T00:00:00+00:00"),
        ("1970-01-01T00:00:00Z", None, "2026-11-20T12:00:00+00:00"),
        ("2038-01-01T00:00:00Z", None, "2026-11-20T12:00:00+00:00"),
        ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-11-20T12:00:00+00:00"),
        ("0001-01-01T00:00:00+14:00", None, "2026-11-20T12:00:00+00:00"),
        ("yesterday", "2026-11-20T12:00:00Z", "2026-11-20T12:00:00+00:00"),
        (None, None, "2026-11-20T12:00:00+00:00"),
        (1700000000, {"not": "a time"}, "2026-11-20T12:00:00+00:00"),
    ],
)
def test_event_happened_when_our_clock_says(timestamp: Any, sent_at: Any, expected: str) -> None:
    assert instants.corrected(timestamp, sent_at=instants.read(sent_at), received_at=RECEIVED).isoformat() == expected


def test_ten_years_back_is_history_and_a_second_more_a_broken_clock() -> None:
    oldest = RECEIVED - instants.OLDEST

    assert instants.corrected(oldest.isoformat(), sent_at=None, received_at=RECEIVED) == oldest
    older = (oldest - timedelta(seconds=1)).isoformat()
    assert instants.corrected(older, sent_at=None, received_at=RECEIVED) == RECEIVED
