"""From a journey to the provider: what a customer says in between counts, wherever they say it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from auth import emails
from auth.models import Customer
from core import clock
from core.db import transaction
from core.delivery import messages
from core.delivery.models import Message
from engage.consents import stopping
from tests.engage.conftest import Open, Scene, journey, reasons, say
from tests.engage.consents.test_links import ONE_CLICK, path
from tests.engage.contacting.test_caps import counts
from tests.engage.contacting.test_gate import EVENING, MORNING, hold, send

ADDRESS = "ada@example.com"
NIGHT_AND_CAP = {"quiet": {"from": "21:00", "to": "09:00"}, "caps": [{"channel": "any", "per": "day", "most": 1}]}


def with_email(scene: Scene, customer_id: UUID) -> None:
    with transaction() as session:
        customer = session.get_one(Customer, customer_id)
        customer.email = emails.sealed(session, customer_id, ADDRESS)
        customer.email_index, customer.email_verified_at = emails.index_of(ADDRESS), scene.now


def written() -> list[tuple[str, str | None, dict[str, Any]]]:
    """State, last error and content of every message."""
    with transaction() as session:
        rows = session.scalars(select(Message).order_by(Message.id)).all()
        return [(row.state, row.last_error, messages.open_sealed(session, row)[1]) for row in rows]


def order(scene: Scene, customer_id: UUID) -> None:
    scene.happen(scene.order(customer_id))
    with clock.simulated(lambda: scene.now):
        scene.read()


def test_the_link_in_a_mails_headers_stops_the_mails(scene: Scene, open_for: Open) -> None:
    customer_id = scene.customer(consent=["email"])
    with_email(scene, customer_id)
    scene.publish(journey("tell", {"tell": say("For you", channel="email")}, re_entry={"once_per": "order_id"}))
    order(scene, customer_id)
    [(state, _, content)] = written()
    assert state == "pending"

    with clock.simulated(lambda: scene.now):
        assert open_for().post(path(content["unsubscribe_url"]), data=ONE_CLICK).status_code == 200
    send(scene.now)
    assert [(state, error) for state, error, _ in written()] == [("suppressed", "opted_out")]

    scene.move(days=1)
    order(scene, customer_id)
    assert len(written()) == 1  # the next day's is not written at all


def test_what_was_held_over_night_is_stopped_by_a_stop_at_breakfast(scene: Scene) -> None:
    customer_id = scene.customer(consent=["sms"])
    hold(NIGHT_AND_CAP)
    scene.publish(journey("tell", {"tell": say("For you")}))
    scene.now = EVENING
    order(scene, customer_id)
    send(EVENING)
    assert [state for state, _, _ in written()] == ["pending"]
    assert counts() == {("any:day", "2026-11-23"): 1}  # it is one of tomorrow's

    with transaction() as session:
        index = session.get_one(Customer, customer_id).phone_index
        stopping.stop(session, index, customer_id, "sms", source="stop", now=MORNING - timedelta(hours=1))
    send(MORNING)

    assert [(state, error) for state, error, _ in written()] == [("suppressed", "opted_out")]


def test_capped_customer_still_advances(scene: Scene) -> None:
    customer_id = scene.customer(consent=["sms"])
    hold(NIGHT_AND_CAP)
    steps = {
        "first": say("One", next="second"),
        "second": say("Two", next="end"),
        "end": {"kind": "exit", "reason": "x"},
    }
    scene.publish(journey("first", steps))
    scene.now = datetime(2026, 11, 22, 18, tzinfo=UTC)

    order(scene, customer_id)

    assert [content["body"] for _, _, content in written()] == ["One"]
    assert reasons("second") == ["capped"]
    assert reasons("end") == []
