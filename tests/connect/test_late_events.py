"""What comes late, or from a clock that is off by years, still takes its right place in the profile."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from core import clock, db
from insights.profiles import histories
from tests.connect.conftest import WRITE_KEY
from tests.connect.people import NOW, logged
from tests.insights.log import a_customer, profile, read


def post(ingest: FlaskClient, *calls: dict[str, Any], **more: Any) -> None:
    with clock.simulated(lambda: NOW):
        answer = ingest.post("/v1/batch", json={"batch": list(calls), **more}, auth=(WRITE_KEY, ""))
    assert answer.json == {"success": True}
    read()


def test_a_late_event_updates_the_profile_by_when_it_happened(ingest: FlaskClient) -> None:
    customer_id = a_customer()
    identify = {"type": "identify", "userId": str(customer_id)}
    post(ingest, {**identify, "traits": {"plan": "gold"}, "timestamp": "2026-11-20T11:00:00Z"})

    post(
        ingest,
        {**identify, "traits": {"plan": "silver"}, "timestamp": "2024-02-29T08:00:00Z"},
        {
            "type": "track",
            "event": "Product Viewed",
            "userId": str(customer_id),
            "timestamp": "2024-03-01T08:00:00Z",
            "context": {"campaign": {"source": "newsletter"}},
        },
    )

    found = profile(customer_id)
    assert found.first_seen_at is not None and found.first_seen_at.year == 2024
    assert found.first_touch is not None and found.first_touch.source == "newsletter"
    assert (found.traits, found.phase) == ({"plan": "gold"}, "consideration")
    with db.transaction() as session:
        assert [change.value for change in histories.history(session, customer_id, "plan")] == ["gold", "silver"]


@pytest.mark.parametrize("years", [-40, -12, 5, 60])
def test_a_clock_that_is_off_by_years_is_corrected_by_when_it_sent(ingest: FlaskClient, years: int) -> None:
    customer_id = a_customer()
    theirs = NOW + timedelta(days=365 * years)
    call = {"type": "track", "event": "Tried", "userId": str(customer_id)}

    post(
        ingest,
        {**call, "timestamp": (theirs - timedelta(minutes=90)).isoformat()},
        {**call, "timestamp": theirs.isoformat()},
        sentAt=theirs.isoformat(),
    )

    assert [event["occurred_at"] for event in logged()] == [NOW - timedelta(minutes=90), NOW]
    assert profile(customer_id).first_seen_at == NOW - timedelta(minutes=90)


def test_a_clock_that_is_off_by_years_and_does_not_say_when_it_sent_counts_as_it_came(ingest: FlaskClient) -> None:
    customer_id = a_customer()

    for timestamp in ("1970-01-01T00:00:00Z", "2099-01-01T00:00:00Z"):
        post(ingest, {"type": "track", "event": "Tried", "userId": str(customer_id), "timestamp": timestamp})

    assert [event["occurred_at"] for event in logged()] == [NOW, NOW]
