"""Where customers can be reached: proved addresses, and the devices that are still in use."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from auth import contacts, customers, devices, emails
from auth.contacts import Contact
from auth.customers import SignUp
from auth.models import Customer
from core.db import transaction
from tests.suspending import suspend

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MONTH = timedelta(days=30)


@pytest.fixture
def customer_id(database: None) -> UUID:
    with transaction() as session:
        return customers.sign_up_all(session, [SignUp(phone="+12125550142")], now=NOW)[0]


def seen(customer_id: UUID, device: str, *, ago: timedelta) -> None:
    with transaction() as session:
        devices.put(
            session, customer_id=customer_id, device_id=device, platform="ios", push_token=device, app_version=None,
            locale=None, now=NOW - ago,
        )  # fmt: skip


def contact(customer_id: UUID) -> Contact:
    with transaction() as session:
        return contacts.contacts_of(session, [customer_id])[customer_id]


def fresh(customer_id: UUID) -> list[str]:
    return [address.token for address in contact(customer_id).fresh_push(NOW)]


def test_stale_devices_are_passed_over_where_there_is_a_fresher_one(customer_id: UUID) -> None:
    seen(customer_id, "old", ago=MONTH + timedelta(seconds=1))
    seen(customer_id, "edge", ago=MONTH)
    seen(customer_id, "new", ago=timedelta())

    assert fresh(customer_id) == ["new", "edge"]
    assert contact(customer_id).push_tokens == ("new", "edge", "old")  # what is not marketing reaches them all


def test_a_stale_device_is_better_than_none(customer_id: UUID) -> None:
    seen(customer_id, "old", ago=2 * MONTH)

    assert fresh(customer_id) == ["old"]


def test_an_address_that_was_only_typed_is_not_written_to(customer_id: UUID) -> None:
    with transaction() as session:
        customer = session.get_one(Customer, customer_id)
        customer.email, customer.email_index = emails.sealed(session, customer_id, "ada@example.com"), b"index"
    assert contact(customer_id).email is None

    with transaction() as session:
        session.get_one(Customer, customer_id).email_verified_at = NOW
    assert contact(customer_id).email == "ada@example.com"


def test_a_contact_tells_whether_its_customer_is_suspended(customer_id: UUID) -> None:
    assert contact(customer_id).status == "active"
    with transaction() as session:
        suspend(session, customer_id)

    assert contact(customer_id).status == "suspended"
    with transaction() as session:
        assert contact(customer_id).phone_index == customers.find(session, customer_id).phone_index
