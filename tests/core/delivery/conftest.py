"""Providers' stand-ins behind the real gateways, and the real doors in front of them."""

from collections.abc import Iterator

import pytest

from core.gateways import registry
from core.settings import Settings
from tests.core.delivery.outbox import Outbox
from tests.standins.twilio import AUTH_TOKEN, Twilio


@pytest.fixture
def outbox(database: None) -> Iterator[Outbox]:
    with Twilio() as twilio:
        assert isinstance(twilio, Twilio)
        settings = Settings(
            environment="test",
            public_url="https://brand.example",
            twilio_account_sid="AC1",
            twilio_auth_token=AUTH_TOKEN,
            twilio_from="+12125550100",
            twilio_api_url=twilio.url,
        )
        yield Outbox(twilio, registry.build(settings), settings)
