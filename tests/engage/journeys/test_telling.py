"""Telling staff: those who look after journeys, a mail a batch, and never a flood of them."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import select

from auth import staff
from core import clock, ids
from core.db import transaction
from core.delivery import messages
from core.delivery.models import Message
from engage.journeys import telling
from engage.journeys.telling import MOST_A_DAY, Told
from tests.engage.conftest import Scene, journey, runs, say

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def journey_id(scene: Scene) -> UUID:
    with transaction() as session:
        staff.add(session, email="ana@brand.example", name="Ana", permissions=["journeys.write"], now=NOW)
        staff.add(session, email="bo@brand.example", name="Bo", permissions=["journeys.write"], now=NOW)
        gone = staff.add(session, email="cy@brand.example", name="Cy", permissions=["journeys.write"], now=NOW)
        gone.status = "suspended"
    steps = {"tell": {"kind": "notify_staff", "text": "Please call.", "next": "say"}, "say": say("Hi")}
    return scene.publish(journey("tell", steps))


def mails() -> list[tuple[str, str, str]]:
    with transaction() as session:
        rows = session.scalars(select(Message).where(Message.purpose == "staff").order_by(Message.id)).all()
        opened = [messages.open_sealed(session, row) for row in rows]
        return [(recipient, content["subject"], content["text"]) for recipient, content in opened]


def tell(journey_id: UUID, *customer_ids: UUID | None, text: str = "Look") -> int:
    with transaction() as session:
        return telling.tell_staff(session, [Told(journey_id, one, text) for one in customer_ids], now=clock.now())


def test_a_step_tells_everyone_who_looks_after_journeys_of_the_customer_by_id(scene: Scene, journey_id: UUID) -> None:
    customer_id = scene.customer()
    scene.happen(scene.order(customer_id))
    scene.read()

    assert [(to, subject) for to, subject, _ in mails()] == [
        ("ana@brand.example", "Thanks: Please call."), ("bo@brand.example", "Thanks: Please call.")
    ]  # fmt: skip
    assert str(customer_id) in mails()[0][2]
    assert runs() == [("tell", "done"), ("say", "sent")]


def test_what_a_batch_tells_is_one_mail(scene: Scene, journey_id: UUID) -> None:
    customers = [ids.new() for _ in range(60)]

    assert tell(journey_id, *customers) == 2
    assert "and 10 more" in mails()[0][2]


def test_nobody_gets_more_than_so_many_a_day_and_a_stop_is_told_in_any_case(scene: Scene, journey_id: UUID) -> None:
    told = [tell(journey_id, ids.new()) for _ in range(MOST_A_DAY + 1)]

    assert told == [2] * MOST_A_DAY + [0]
    assert tell(journey_id, None, text="It is paused.") == 2


def test_a_journeys_name_cannot_break_the_mails_head(scene: Scene, journey_id: UUID) -> None:
    tell(journey_id, ids.new(), text="Look\r\nBcc: eve@example.com")

    assert mails()[0][1] == "Thanks: Look Bcc: eve@example.com"
