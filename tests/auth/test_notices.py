"""Notices: told wherever a customer can be reached, whatever they want to hear of the brand."""

import pytest
from sqlalchemy import select

from auth import customers, devices, emails, notices
from auth.models import Customer
from core.db import transaction
from core.delivery import messages
from core.delivery.models import Message
from tests.auth.conftest import PHONE, Watch

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def ada(database: None, watch: Watch) -> Customer:
    with transaction() as session:
        return customers.sign_up(session, phone=PHONE, locale=None, time_zone=None, now=watch.now)


def told(ada: Customer, watch: Watch, *, by_sms: bool = False) -> list[tuple[str, str]]:
    with transaction() as session:
        notices.tell(session, ada.id, notices.PASSKEY_ADDED, by_sms=by_sms, now=watch.now)
        sent = session.execute(select(Message.channel, Message.purpose).order_by(Message.channel))
        return [(channel, purpose) for channel, purpose in sent]


def reach(ada: Customer, watch: Watch) -> None:
    """By two devices and an e-mail address."""
    with transaction() as session:
        for name in ("a", "b"):
            devices.put(
                session, customer_id=ada.id, device_id=name, platform="ios", push_token=f"token-{name}",
                app_version=None, locale=None, now=watch.now,
            )  # fmt: skip
        customer = session.get_one(Customer, ada.id)
        customer.email = emails.sealed(session, ada.id, "ada@example.com")
        customer.email_index, customer.email_verified_at = emails.index_of("ada@example.com"), watch.now


def test_every_device_and_the_address_are_told(ada: Customer, watch: Watch) -> None:
    reach(ada, watch)

    assert told(ada, watch) == [("email", "transactional"), ("push", "transactional"), ("push", "transactional")]


def test_the_number_is_told_where_there_is_nothing_else(ada: Customer, watch: Watch) -> None:
    assert told(ada, watch) == [("sms", "transactional")]
    with transaction() as session:
        _, content = messages.open_sealed(session, session.scalars(select(Message)).one())
    assert content["body"].startswith("Pocketful: Your account can be opened with a new passkey.")


def test_the_number_is_told_too_where_that_is_asked_for(ada: Customer, watch: Watch) -> None:
    reach(ada, watch)

    assert [channel for channel, _ in told(ada, watch, by_sms=True)] == ["email", "push", "push", "sms"]


def test_a_customer_of_a_sandbox_is_told_nothing(watch: Watch) -> None:
    with transaction() as session:
        nobody = customers.add_sandbox(session, now=watch.now)
        assert notices.tell(session, nobody, notices.PASSKEY_ADDED, now=watch.now) == 0


@pytest.mark.parametrize("what", sorted(notices._TEXTS))
def test_every_notice_fits_a_text_message(what: str) -> None:
    assert len(notices._TEXTS[what].body) <= 160
