"""What was allowed when a message was decided is asked again right before it leaves."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from auth import customers
from auth.models import Customer
from core import clock, ids
from core.db import connection_of, transaction
from core.delivery import messages, work
from core.delivery.messages import NewMessage
from core.delivery.models import Message
from core.gateways import registry
from core.settings import Settings
from engage import consents
from engage.consents import Said, opt_outs
from engage.contacting import caps, control, gate, policy
from tests.engage.conftest import START, Scene, journey, say
from tests.engage.contacting.test_caps import counts
from tests.suspending import suspend

NIGHT = {"quiet": {"from": "21:00", "to": "09:00"}}
#: Eleven in the evening in New York, the brand's zone.
EVENING = datetime(2026, 11, 23, 4, tzinfo=UTC)
MORNING = datetime(2026, 11, 23, 14, tzinfo=UTC)
#: Within so long after it everything that was held has left.
SPREAD = timedelta(minutes=15)


def hold(terms: dict[str, Any]) -> None:
    with transaction() as session:
        revision = policy.current(session).revision
        policy.put(session, terms, revision=revision, actor="staff:test", now=START)


def enqueue(customer_id: UUID, *, purpose: str = "marketing", channel: str = "sms", **more: Any) -> UUID:
    new = NewMessage(
        customer_id=customer_id, channel=channel, recipient="+12125550100", content={"body": "For you"},
        purpose=purpose, due_at=START, **more,
    )  # fmt: skip
    with transaction() as session:
        return messages.enqueue_all(session, [new], now=START)[0]


def send(now: datetime = START) -> None:
    with clock.simulated(lambda: now):
        work.send_due(registry.build(Settings(environment="test")), now, gate=gate.verdicts)


def fate(message_id: UUID) -> tuple[str, str | None]:
    with transaction() as session:
        message = session.get_one(Message, message_id)
        return message.state, message.last_error


def say_no(customer_id: UUID, *, purpose: str = "marketing") -> None:
    # By SQL alone, so that nothing takes the message back before the gate is asked.
    with transaction() as session:
        connection_of(session).execute(
            "INSERT INTO engage.consent AS c (customer_id, channel, purpose, is_granted, source, at)"
            " VALUES (%s, 'sms', %s, false, 'test', %s)"
            " ON CONFLICT (customer_id, channel, purpose) DO UPDATE SET is_granted = false",
            [customer_id, purpose, START],
        )


def test_what_is_still_allowed_leaves(scene: Scene) -> None:
    message_id = enqueue(scene.customer())

    send()

    assert fate(message_id) == ("sent", None)


def test_a_no_after_the_decision_holds_what_was_decided(scene: Scene) -> None:
    customer_id = scene.customer()
    message_id = enqueue(customer_id)
    say_no(customer_id)

    send()

    assert fate(message_id) == ("suppressed", "opted_out")


def test_marketing_without_a_yes_never_leaves(scene: Scene) -> None:
    message_id = enqueue(scene.customer(consent=[]))

    send()

    assert fate(message_id) == ("suppressed", "opted_out")


def test_a_number_that_said_stop_gets_nothing_but_what_it_asks_for(scene: Scene) -> None:
    customer_id = scene.customer(consent=["sms", "whatsapp"])
    with transaction() as session:
        index = session.get_one(Customer, customer_id).phone_index
        assert index
        opt_outs.add_all(session, [(index, "sms")], source="stop", now=START)
    purposes = ("marketing", "transactional", "invitation", "sign_in")
    made = [enqueue(customer_id, purpose=purpose) for purpose in purposes]
    by_whatsapp = enqueue(customer_id, channel="whatsapp")

    send()

    assert [fate(message_id)[0] for message_id in made] == ["suppressed", "suppressed", "sent", "sent"]
    assert fate(by_whatsapp)[0] == "sent"


def test_suspended_and_vanished_customers_get_no_marketing(scene: Scene) -> None:
    customer_id = scene.customer()
    with transaction() as session:
        suspend(session, customer_id)
    offer, receipt = enqueue(customer_id), enqueue(customer_id, purpose="transactional")

    send()

    assert fate(offer) == ("suppressed", "suspended")
    assert fate(receipt)[0] == "sent"


def test_transactional_passes(scene: Scene) -> None:
    """Quiet hours, caps and the control group, and never a no."""
    hold({**NIGHT, "caps": [{"channel": "any", "per": "day", "most": 0}], "control_bps": 5000})
    made = [scene.customer(consent=[]) for _ in range(10)]
    refusing = scene.customer()
    say_no(refusing, purpose="transactional")
    sent = [enqueue(customer_id, purpose="transactional") for customer_id in made]
    refused = enqueue(refusing, purpose="transactional")

    send(EVENING)

    assert {fate(message_id)[0] for message_id in sent} == {"sent"}
    assert fate(refused) == ("suppressed", "opted_out")


def test_who_came_into_the_control_group_gets_no_marketing(scene: Scene) -> None:
    made = scene.customers(40, consent=["sms"])
    sent = {customer_id: enqueue(customer_id) for customer_id in made}
    hold({"control_bps": 5000})
    with transaction() as session:
        holds = policy.current(session)

    send()

    inside = [customer_id for customer_id in made if control.is_in(holds, customer_id)]
    assert 5 < len(inside) < 35
    for customer_id, message_id in sent.items():
        assert fate(message_id) == (("suppressed", "control") if customer_id in inside else ("sent", None))


def test_hold_waits_for_the_end_of_quiet_and_skip_never_leaves(scene: Scene) -> None:
    held, skipped, passing = (
        enqueue(scene.customer(), gate={"quiet": mode} if mode else {}) for mode in ("hold", "skip", "")
    )
    hold(NIGHT)

    send(EVENING)

    assert fate(held)[0] == "pending"
    with transaction() as session:
        due_at = session.get_one(Message, held).due_at
    assert due_at and MORNING <= due_at < MORNING + SPREAD
    assert fate(skipped) == ("suppressed", "quiet")
    assert fate(passing)[0] == "sent"
    send(due_at - timedelta(seconds=1))
    assert fate(held)[0] == "pending"
    send(due_at)
    assert fate(held)[0] == "sent"


def test_a_zone_that_changed_while_it_was_held_counts(scene: Scene) -> None:
    customer_id = scene.customer()
    message_id = enqueue(customer_id, gate={"quiet": "hold"})
    hold(NIGHT)
    send(EVENING)
    with transaction() as session:
        customers.change(session, customer_id, changes={"time_zone": "America/Los_Angeles"}, now=START)

    send(MORNING + SPREAD)  # six in the morning there
    assert fate(message_id)[0] == "pending"
    nine = datetime(2026, 11, 23, 9, tzinfo=ZoneInfo("America/Los_Angeles"))
    send(nine - timedelta(seconds=1))
    assert fate(message_id)[0] == "pending"
    send(nine + SPREAD)

    assert fate(message_id)[0] == "sent"


def test_what_would_be_held_past_its_end_is_dropped(scene: Scene) -> None:
    hold(NIGHT)
    made = [
        enqueue(scene.customer(), gate={"quiet": "hold"}, expires_at=MORNING + timedelta(seconds=more))
        for more in (0, 1)
    ]

    send(EVENING)

    assert [fate(message_id)[0] for message_id in made] == ["suppressed", "pending"]


def test_what_does_not_leave_gives_its_counts_back(scene: Scene) -> None:
    customer_id = scene.customer()
    hold({"caps": [{"channel": "any", "per": "day", "most": 3}, {"channel": "sms", "per": "week", "most": 3}]})
    with transaction() as session:
        found = caps.lock(session, [customer_id], policy.current(session), START)
        assert all(found.take(customer_id, "sms") for _ in range(2))
        marks = [list(mark) for mark in found.marks(customer_id, "sms")]
        caps.write(session, found)
    # One letter of two messages, and one of one.
    for noted in ({"caps": marks}, {}, {"caps": marks}):
        enqueue(customer_id, gate=noted)
    send()
    assert counts() == {("any:day", "2026-11-21"): 2, ("sms:week", "2026-W47"): 2}

    for noted in ({"caps": marks}, {}):
        enqueue(customer_id, gate=noted)
    say_no(customer_id)
    send()

    assert counts() == {("any:day", "2026-11-21"): 1, ("sms:week", "2026-W47"): 1}


def test_the_gate_asks_as_often_for_many_as_for_one(scene: Scene) -> None:
    made = scene.customers(20, consent=["sms"])

    def statements(customer_ids: list[UUID]) -> int:
        asked = [_at_gate(customer_id) for customer_id in customer_ids]
        with transaction() as session, counted(session) as seen:
            assert len(gate.verdicts(session, asked, START)) == len(asked)
        return len(seen)

    assert statements(made) == statements(made[:1]) <= 2


def _at_gate(customer_id: UUID) -> gate.AtGate:
    return gate.AtGate(
        id=ids.new(), customer_id=customer_id, channel="sms", purpose="marketing", due_at=START, expires_at=None,
        created_at=START, gate={}, address_id=None, reference=None,
    )  # fmt: skip


@contextmanager
def counted(session: Any) -> Iterator[list[str]]:
    """What the gate sends over the session's connection."""
    connection, seen = connection_of(session), []
    execute = connection.execute

    def noting(query: Any, *rest: Any, **more: Any) -> Any:
        seen.append(query)
        return execute(query, *rest, **more)

    connection.execute = noting  # type: ignore[method-assign]
    yield seen
    del connection.execute  # type: ignore[attr-defined]


def test_a_journeys_message_passes_the_gate_and_a_late_no_stops_it(scene: Scene) -> None:
    kept, gone = scene.customer(), scene.customer()
    scene.publish(journey("tell", {"tell": say("For you")}))
    scene.happen(scene.order(kept), scene.order(gone))
    scene.read()
    with transaction() as session:
        consents.put(session, Said(gone, "sms", "marketing", False), source="app", now=scene.now)

    send(scene.now)

    with transaction() as session:
        found = {row.customer_id: row.state for row in session.query(Message)}
    assert found == {kept: "sent", gone: "suppressed"}
