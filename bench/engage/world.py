"""What broadcasts are measured on: customers with a phone that takes pushes and may be written to, in one segment."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from auth import customers, devices
from auth.customers import SignUp
from auth.devices import Installation
from core import clock, ids
from core.db import connection_of, transaction
from engage import consents
from engage.consents import Said
from insights.segments.models import Segment
from rewards import campaigns
from rewards.campaigns import Draft
from wallet import accounts

_AT_ONCE = 1_000
CURRENCY, WORTH_MINOR = "USD", 500


def people(count: int) -> list[UUID]:
    """Customers who allow pushes for marketing, each with a device and, as whoever signs up gets one, an account."""
    made: list[UUID] = []
    for start in range(0, count, _AT_ONCE):
        made += _some(start, min(_AT_ONCE, count - start))
    return made


def _some(first: int, count: int) -> list[UUID]:
    now = clock.now()
    rows = [SignUp(phone=f"+1212{first + each + 2_000_000:07d}", locale="en") for each in range(count)]
    with transaction() as session:
        signed_up = customers.sign_up_all(session, rows, now=now)
        devices.put_all(
            session,
            [
                Installation(
                    customer_id=each,
                    device_id=str(each),
                    platform="android",
                    push_token=f"token-{each}",
                    app_version=None,
                    locale=None,
                )
                for each in signed_up
            ],
            now=now,
        )
        consents.put_all(session, [Said(each, "push", "marketing", True) for each in signed_up], source="app", now=now)
        accounts.open_all(session, [accounts.of_customer(each, CURRENCY) for each in signed_up])
    return signed_up


def segment(members: Sequence[UUID]) -> UUID:
    """A segment with these members, as if it had been built."""
    segment_id, now = ids.new(), clock.now()
    row = Segment(
        id=segment_id, key="everybody", name="Everybody", condition={}, expanded={}, previous=None, revision=1,
        status="live", built_slots=64, created_by="staff:bench", created_at=now, updated_at=now,
    )  # fmt: skip
    with transaction() as session:
        session.add(row)
        session.flush()
        connection_of(session).execute(_MEMBERS, [segment_id, now, list(members)])
    return segment_id


def gift_cards(count: int) -> UUID:
    """A running campaign of gift cards whose budget is enough for so many."""
    now = clock.now()
    draft = Draft(
        name="Thanks", kind="gift_card", discount={"kind": "value", "amount_minor": WORTH_MINOR}, currency=CURRENCY,
        starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=30), limit_per_customer=None,
        budget_minor=count * WORTH_MINOR, starts_now=True,
    )  # fmt: skip
    with transaction() as session:
        return campaigns.create(session, draft, actor="staff:bench", now=now)


_MEMBERS = """
    INSERT INTO insights.membership (customer_id, segment_id, is_in, revision, since)
    SELECT customer_id, %s, true, 1, %s FROM unnest(%s::uuid[]) AS customer_id
"""
