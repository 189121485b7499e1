"""From a segment to the provider: what holds when a broadcast was prepared is asked again when each message leaves."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select, update

from core import clock
from core.db import transaction
from core.delivery import work
from core.delivery.models import Message
from core.gateways import registry
from core.settings import Settings
from engage.consents.models import Consent
from engage.contacting import gate
from tests.engage.broadcasts.audience import draft
from tests.engage.conftest import Scene
from tests.standins.twilio import AUTH_TOKEN, Twilio


@pytest.fixture
def twilio() -> Iterator[Twilio]:
    with Twilio() as server:
        assert isinstance(server, Twilio)
        yield server


def send(scene: Scene, twilio: Twilio) -> int:
    settings = Settings(
        environment="test", twilio_account_sid="AC1", twilio_auth_token=AUTH_TOKEN, twilio_from="+12125550100",
        twilio_api_url=twilio.url,
    )  # fmt: skip
    return work.send_due(registry.build(settings), scene.now, gate=gate.verdicts)


@pytest.fixture(autouse=True)
def on_time(scene: Scene) -> None:
    """Leases are held by the real clock."""
    scene.now = clock.now()


def test_each_member_gets_one_text_of_the_one_broadcast(scene: Scene, twilio: Twilio) -> None:
    sending = draft(scene, scene.customers(20)).run()

    assert send(scene, twilio) == 20
    assert send(scene, twilio) == 0

    assert len(twilio.asked) == len({asked.recipient for asked in twilio.asked}) == 20
    with transaction() as session:
        sent = {row.reference: row.state for row in session.scalars(select(Message))}
    assert sent == {row.id: "sent" for row in sending.sends().values()}


def test_who_said_no_since_it_was_prepared_is_not_written_to(scene: Scene, twilio: Twilio) -> None:
    said_no, allows = scene.customers(2)
    draft(scene, [said_no, allows]).run()
    with transaction() as session:
        # As one who said so while a worker already held the message: nothing has taken it back.
        session.execute(update(Consent).where(Consent.customer_id == said_no).values(is_granted=False))

    send(scene, twilio)

    with transaction() as session:
        states = {row.customer_id: row.state for row in session.scalars(select(Message))}
    assert states == {said_no: "suppressed", allows: "sent"}
    assert len(twilio.asked) == 1


def test_throttled_broadcast_leaves_as_its_minutes_come(scene: Scene, twilio: Twilio) -> None:
    draft(scene, scene.customers(12), per_minute=6).run()
    left = []
    for _ in range(7):
        send(scene, twilio)
        left.append(len(twilio.asked))
        scene.move(seconds=20)

    assert left[-1] == 12
    # In any minute, three looks of twenty seconds, at most six.
    assert all(later - earlier <= 6 for earlier, later in zip(left, left[3:], strict=False))
