"""The timeline: a customer's events, and those from before they were known."""

from typing import Any
from uuid import UUID

import pytest

from core import db
from insights import timeline
from insights.timeline import Moment, Wanted
from tests.insights.log import a_customer, at, identify, order, play, track

pytestmark = pytest.mark.usefixtures("database")


def timeline_of(customer_id: UUID, *, limit: int = 50, **wanted: Any) -> list[Moment]:
    """Page by page until the end."""
    found: list[Moment] = []
    while True:
        with db.transaction() as session:
            after = (found[-1].occurred_at, found[-1].id) if found else None
            page = timeline.of(session, customer_id, after=after, limit=limit, wanted=Wanted(**wanted))
        if not page:
            return found
        found += page


def test_timeline_is_the_customers_own_latest_first() -> None:
    customer_id, other = a_customer(), a_customer("+12125550143")

    play(track(customer_id, minutes=1), order(customer_id, minutes=2), track(other, minutes=3))

    assert [(moment.name, moment.occurred_at) for moment in timeline_of(customer_id)] == [
        ("order.completed", at(2)),
        ("outside.track", at(1)),
        ("customer.signed_up", at(-60)),
    ]


def test_timeline_holds_what_its_linked_subjects_did() -> None:
    customer_id = a_customer()

    play(track(subject_id="anonymous:1", minutes=-90), track(subject_id="anonymous:2", minutes=-80))
    play(track(subject_id="anonymous:3", minutes=-70))
    play(identify(customer_id, subject_id="anonymous:1"), identify(customer_id, subject_id="anonymous:2", minutes=1))

    found = [moment for moment in timeline_of(customer_id) if moment.name != "identity.linked"]
    assert [(moment.occurred_at, moment.was_anonymous) for moment in found] == [
        (at(1), False),
        (at(0), False),
        (at(-60), False),
        (at(-80), True),
        (at(-90), True),
    ]


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_join_without_a_gap_even_within_one_instant(limit: int) -> None:
    customer_id = a_customer()
    play(identify(customer_id, subject_id="anonymous:1", minutes=1))
    play(*[track(customer_id, minutes=0) for _ in range(4)], *[track(subject_id="anonymous:1") for _ in range(3)])

    found = timeline_of(customer_id, limit=limit)

    assert len(found) == 10  # with identity.linked
    assert len({moment.id for moment in found}) == 10
    assert [m.occurred_at for m in found] == sorted((m.occurred_at for m in found), reverse=True)


def test_timeline_can_be_asked_for_some_events_only() -> None:
    customer_id = a_customer()
    play(track(customer_id), order(customer_id), order(customer_id))

    assert len(timeline_of(customer_id, names=("order.completed",))) == 2
    assert timeline_of(customer_id, names=("nothing.such",)) == []


@pytest.mark.parametrize(
    ("wanted", "minutes"),
    [
        ({"kinds": ["order"]}, [4, 3]),
        ({"kinds": ["order", "customer"]}, [4, 3, -60]),
        ({"kinds": ["ord"]}, []),
        ({"sources": ["pocketful"]}, [4, 3, 1, -60]),
        ({"sources": ["web"]}, []),
        ({"since": at(3)}, [4, 3]),
        ({"until": at(3)}, [1, -60]),
        ({"since": at(1), "until": at(4)}, [3, 1]),
        ({"since": at(4), "until": at(4)}, []),
        ({"kinds": ["order"], "since": at(4), "names": ["order.completed"]}, [4]),
    ],
)
def test_timeline_is_filtered_by_kind_source_and_time(wanted: dict[str, Any], minutes: list[int]) -> None:
    customer_id = a_customer()
    play(track(customer_id, minutes=1), order(customer_id, minutes=3), order(customer_id, minutes=4))

    assert [moment.occurred_at for moment in timeline_of(customer_id, limit=1, **wanted)] == [at(n) for n in minutes]
