"""What delivery's tests ask of it, each in its own transaction as an entry point would."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core import clock, crypto, ids
from core.db import connection_of, transaction
from core.delivery import messages, work
from core.delivery.models import Message
from core.gateways.registry import Gateways
from core.settings import Settings
from tests.standins.twilio import Twilio

PHONE = "+12125550142"


@dataclass
class Outbox:
    """Messages, the gateways that they leave by, and the stand-in where they arrive."""

    twilio: Twilio
    gateways: Gateways
    settings: Settings

    def enqueue(self, **given: Any) -> UUID:
        new: dict[str, Any] = {
            "customer_id": a_customer(),
            "channel": "sms",
            "recipient": PHONE,
            "content": {"body": "Your coffee waits"},
            "purpose": "marketing",
            "due_at": clock.now(),
            "now": clock.now(),
            **given,
        }
        with transaction() as session:
            return messages.enqueue(session, **new)

    def send(self, now: datetime | None = None) -> int:
        return work.send_due(self.gateways, now or clock.now())

    def message(self, message_id: UUID) -> Message:
        with transaction() as session:
            return session.get_one(Message, message_id)


def a_customer() -> UUID:
    customer_id = ids.new()
    with transaction() as session:
        crypto.create_data_keys(session, [customer_id])
    return customer_id


def announced() -> list[tuple[str, dict[str, Any]]]:
    """The events so far, in order: name and payload."""
    with transaction() as session:
        rows = connection_of(session).execute("SELECT name, payload FROM core.event ORDER BY seq").fetchall()
    return [(row[0], row[1]) for row in rows]


def announced_names() -> list[str]:
    return [name for name, _ in announced()]
