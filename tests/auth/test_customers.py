"""Customers and their contacts."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, func, select

from auth import contacts, customers, devices
from auth.customers import SignUp
from auth.errors import PhoneInvalid, TimeZoneUnknown
from auth.models import Customer
from core import crypto, db
from core.crypto import DataKey
from core.db import transaction
from core.errors import NotFound
from core.events.log import EventRow

pytestmark = pytest.mark.usefixtures("database")

NOW = datetime(2017, 11, 3, 15, 0, tzinfo=UTC)
PHONE, OTHER = "+12125550142", "+12125550143"


def sign_up(phone: str = PHONE) -> UUID:
    with transaction() as session:
        return customers.sign_up(session, phone=phone, locale="en-US", time_zone="America/New_York", now=NOW).id


def signed_up_events() -> list[UUID | None]:
    with transaction() as session:
        return list(session.scalars(select(EventRow.customer_id).where(EventRow.name == "customer.signed_up")))


def count(model: type[db.Base]) -> int:
    with transaction() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_a_phone_number_signs_up_once() -> None:
    first, second = sign_up(PHONE), sign_up("+1 212-555-0142")

    assert first == second
    assert signed_up_events() == [first]


def test_a_customer_is_found_by_phone_and_the_phone_by_customer() -> None:
    customer_id = sign_up()

    with transaction() as session:
        assert customers.by_phone(session, "+1 (212) 5550142") == customer_id
        assert customers.by_phone(session, OTHER) is None
        assert customers.phone_of(session, customer_id) == PHONE
        with pytest.raises(NotFound):
            customers.phone_of(session, uuid4())


@pytest.mark.parametrize("phone", ["", "+", "2125550142", "+1212555014", "+121255501422", "+999123456789", "+1x" * 20])
def test_what_is_no_phone_number_signs_nobody_up(phone: str) -> None:
    with transaction() as session, pytest.raises(PhoneInvalid):
        customers.sign_up(session, phone=phone, locale=None, time_zone=None, now=NOW)

    assert count(Customer) == 0


def test_an_unknown_time_zone_is_refused() -> None:
    with transaction() as session, pytest.raises(TimeZoneUnknown):
        customers.sign_up(session, phone=PHONE, locale=None, time_zone="Mars/Base", now=NOW)


def test_eight_sign_ups_of_one_number_at_once_make_one_customer() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: sign_up(), range(8)))

    assert len(made) == 1
    assert (count(Customer), count(DataKey), len(signed_up_events())) == (1, 1, 1)


def test_many_sign_up_in_bulk_in_the_order_given() -> None:
    known = sign_up("+12125550101")
    numbers = [f"+1212555{number:04}" for number in range(100, 200)]

    with transaction() as session:
        made = customers.sign_up_all(session, [SignUp(phone=number) for number in [*numbers, numbers[5]]], now=NOW)

    assert (made[1], made[-1]) == (known, made[5])
    assert len(set(made)) == count(Customer) == len(signed_up_events()) == 100
    with transaction() as session:
        assert [customers.by_phone(session, number) for number in numbers] == made[:100]
        assert customers.phone_of(session, made[42]) == numbers[42]


def test_bulk_sign_up_takes_the_same_few_statements_for_any_number() -> None:
    def statements(numbers: range) -> int:
        rows = [SignUp(phone=f"+1212555{number:04}") for number in numbers]
        with counted() as seen, transaction() as session:
            customers.sign_up_all(session, rows, now=NOW)
        return len(seen)

    assert statements(range(100, 150)) == statements(range(150, 152))


def test_contacts_hold_phone_language_and_push_addresses() -> None:
    first, second = sign_up(PHONE), sign_up(OTHER)
    with transaction() as session:
        for device in ("a", "b"):
            devices.put(
                session, customer_id=first, device_id=device, platform="ios", push_token=f"token-{device}",
                app_version=None, locale=None, now=NOW,
            )  # fmt: skip

    with transaction() as session:
        found = contacts.contacts_of(session, [first, second, first, uuid4()])

    assert set(found) == {first, second}
    assert (found[first].phone, found[first].locale, found[first].time_zone) == (PHONE, "en-US", "America/New_York")
    assert sorted(found[first].push_tokens) == ["token-a", "token-b"]
    assert found[second].push_tokens == ()


def test_contacts_of_any_number_take_at_most_three_queries() -> None:
    with transaction() as session:
        rows = [SignUp(phone=f"+1212555{number:04}") for number in range(100, 150)]
        made = customers.sign_up_all(session, rows, now=NOW)
        for customer_id in made:
            devices.put(
                session, customer_id=customer_id, device_id="a", platform="android", push_token=f"token-{customer_id}",
                app_version=None, locale=None, now=NOW,
            )  # fmt: skip
    crypto.forget_cached()

    with counted() as seen, transaction() as session:
        found = contacts.contacts_of(session, made)

    assert len(found) == 50
    assert len(seen) <= 3


def test_who_was_erased_has_no_contact() -> None:
    kept, gone = sign_up(PHONE), sign_up(OTHER)
    with transaction() as session:
        crypto.destroy_data_key(session, gone)

    with transaction() as session:
        assert set(contacts.contacts_of(session, [kept, gone])) == {kept}
        with pytest.raises(crypto.Erased):
            customers.phone_of(session, gone)


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that the block sends through SQLAlchemy."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(db.engine(), "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine(), "before_cursor_execute", note)
