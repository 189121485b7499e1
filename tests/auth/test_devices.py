"""Devices and their push tokens, over HTTP and when providers call a token dead."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import select

from auth import contacts, customers, devices, work
from auth.devices import Installation
from auth.models import Device
from auth.reactions import READERS
from core import pseudonyms
from core.db import transaction
from core.delivery.events import MessageFailed
from core.events import announce
from core.events.log import EventRow
from core.ids import new
from tests.auth.conftest import PHONE, Phone, Watch
from tests.core.log import drain

OTHER = "+12125550143"
DEVICE = {"device_id": "phone-1", "platform": "ios", "push_token": "token-1", "app_version": "1.4.0", "locale": "en-US"}


def put(phone: Phone, tokens: dict[str, Any], **fields: Any) -> Any:
    header = {"Authorization": f"Bearer {tokens['access_token']}"}
    return phone.client.put("/app/v1/devices", json={**DEVICE, **fields}, headers=header)


def push_tokens(number: str = PHONE) -> Sequence[str]:
    with transaction() as session:
        customer_id = customers.by_phone(session, number)
        assert customer_id
        return contacts.contacts_of(session, [customer_id])[customer_id].push_tokens


def registered() -> int:
    with transaction() as session:
        return len(session.scalars(select(EventRow.id).where(EventRow.name == "device.registered")).all())


def test_a_device_is_kept_and_its_token_is_never_told(phone: Phone) -> None:
    answer = put(phone, phone.sign_in())

    assert answer.status_code == 200
    assert answer.json["can_push"] is True
    assert "push_token" not in answer.json
    assert push_tokens() == ("token-1",)


def test_putting_a_device_again_changes_it_and_makes_no_second(phone: Phone) -> None:
    tokens = phone.sign_in()
    put(phone, tokens)
    put(phone, tokens, app_version="1.5.0")
    assert registered() == 1

    answer = put(phone, tokens, push_token="token-2")

    assert answer.status_code == 200
    assert push_tokens() == ("token-2",)
    assert registered() == 2
    with transaction() as session:
        assert [device.app_version for device in session.scalars(select(Device))] == ["1.4.0"]


def test_a_device_without_push_keeps_no_token(phone: Phone) -> None:
    tokens = phone.sign_in()
    put(phone, tokens)

    assert put(phone, tokens, push_token=None).json["can_push"] is False
    assert push_tokens() == ()


def test_a_customer_has_as_many_devices_as_they_like(phone: Phone) -> None:
    tokens = phone.sign_in()
    put(phone, tokens)
    put(phone, tokens, device_id="tablet", push_token="token-2")

    assert sorted(push_tokens()) == ["token-1", "token-2"]


def test_a_push_token_follows_the_phone_to_its_next_owner(phone: Phone) -> None:
    put(phone, phone.sign_in(PHONE))

    put(phone, phone.sign_in(OTHER))

    assert (push_tokens(PHONE), push_tokens(OTHER)) == ((), ("token-1",))


def test_who_guesses_a_device_id_takes_nothing_over(phone: Phone) -> None:
    put(phone, phone.sign_in(PHONE))

    put(phone, phone.sign_in(OTHER), push_token="token-2")

    assert push_tokens(PHONE) == ("token-1",)


def test_one_device_put_eight_times_at_once_is_one_device(phone: Phone) -> None:
    tokens = phone.sign_in()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: put(Phone(phone.app, phone.app.test_client()), tokens), range(8)))

    assert {answer.status_code for answer in answers} <= {200, 409}
    assert push_tokens() == ("token-1",)
    with transaction() as session:
        assert len(session.scalars(select(Device.id)).all()) == 1


def test_bad_fields_are_refused_by_name(phone: Phone) -> None:
    tokens = phone.sign_in()
    bad: dict[str, Any] = {
        "platform": "fridge",
        "device_id": "",
        "push_token": "a b",
        "app_version": "x" * 41,
        "locale": "klingon!",
        "customer_id": "01900000-0000-7000-8000-000000000000",
    }

    for name, value in bad.items():
        answer = put(phone, tokens, **{name: value})
        assert answer.status_code == 422, name
        assert [error["pointer"] for error in answer.json["errors"]] == [f"/{name}"]


def fail(device_row: Any, watch: Watch, **fields: Any) -> None:
    dead = {"channel": "push", "purpose": "marketing", "reason": "UNREGISTERED", "is_address_dead": True, **fields}
    with transaction() as session:
        announce(session, MessageFailed(occurred_at=watch.now, message_id=new(), address_id=device_row, **dead))
    drain(READERS[0])


def test_a_token_that_its_provider_calls_dead_is_forgotten(phone: Phone, watch: Watch) -> None:
    put(phone, phone.sign_in())
    with transaction() as session:
        row = session.scalars(select(Device.id)).one()

    fail(row, watch, is_address_dead=False)
    fail(row, watch, channel="sms")
    assert push_tokens() == ("token-1",)
    fail(row, watch)

    assert push_tokens() == ()


def test_a_token_that_was_brought_anew_outlives_an_older_verdict(phone: Phone, watch: Watch) -> None:
    tokens = phone.sign_in()
    put(phone, tokens)
    with transaction() as session:
        row = session.scalars(select(Device.id)).one()
    sent_at = watch.now
    watch.move(seconds=5)
    put(phone, tokens, push_token="token-2")

    watch.now, late = sent_at, watch.now
    fail(row, watch)
    watch.now = late

    assert push_tokens() == ("token-2",)


def test_many_installations_are_imported_as_if_each_was_put(phone: Phone, watch: Watch) -> None:
    put(phone, phone.sign_in())
    put(phone, phone.sign_in(OTHER), device_id="phone-2", push_token="token-2")
    with transaction() as session:
        mine, theirs = customers.by_phone(session, PHONE), customers.by_phone(session, OTHER)
        assert mine and theirs
        told = [
            Installation(**cast(Any, {**DEVICE, "customer_id": mine, **fields}))
            for fields in (
                {"app_version": "1.5.0"},
                {"device_id": "tablet-1", "push_token": "token-2"},
                {"device_id": "tablet-2", "push_token": None},
            )
        ]
        devices.put_all(session, told, now=watch.now)

    assert set(push_tokens()) == {"token-1", "token-2"}
    assert push_tokens(OTHER) == ()
    assert registered() == 4
    with transaction() as session:
        versions = session.scalars(select(Device.app_version).where(Device.device_id == "phone-1")).all()
    assert versions == ["1.5.0"]


def test_an_installation_says_whom_it_was_before_the_sign_in(phone: Phone) -> None:
    tokens = phone.sign_in()
    for _ in range(2):
        answer = put(phone, tokens, anonymous_id="a-123")
        assert answer.status_code == 200 and "anonymous_id" not in answer.json
    put(phone, tokens)  # without it, it stays who it was
    put(phone, tokens, anonymous_id="null")
    put(phone, tokens, anonymous_id="a-124")

    with transaction() as session:
        rows = session.scalars(select(EventRow).where(EventRow.name == "device.registered").order_by(EventRow.seq))
        subjects = [row.subject_id for row in rows]
    assert subjects == [pseudonyms.of_anonymous(given) for given in ("a-123", "a-124")]
    assert put(phone, tokens, anonymous_id="").status_code == 422
    assert put(phone, tokens, anonymous_id="x" * 513).status_code == 422


def dropped() -> list[dict[str, Any]]:
    with transaction() as session:
        rows = session.scalars(select(EventRow).where(EventRow.name == "device.token_dropped").order_by(EventRow.seq))
        return [row.payload for row in rows]


def test_a_token_that_no_app_brought_for_270_days_is_dropped_and_not_a_day_before(phone: Phone, watch: Watch) -> None:
    put(phone, phone.sign_in())
    seen_at = watch.now

    work.drop_expired_tokens(seen_at + devices.EXPIRED_AFTER - timedelta(seconds=1))
    assert push_tokens() == ("token-1",)
    work.drop_expired_tokens(seen_at + devices.EXPIRED_AFTER)
    work.drop_expired_tokens(seen_at + devices.EXPIRED_AFTER)

    assert push_tokens() == ()
    assert [told["reason"] for told in dropped()] == ["expired"]


def test_expired_tokens_are_dropped_however_many_there_are(phone: Phone, watch: Watch) -> None:
    phone.sign_in()
    with transaction() as session:
        customer_id = customers.by_phone(session, PHONE)
        assert customer_id
        told = [
            Installation(
                customer_id=customer_id, device_id=f"d{n}", platform="ios", push_token=f"t{n}", app_version=None,
                locale=None,
            )
            for n in range(401)
        ]  # fmt: skip
        devices.put_all(session, told, now=watch.now)

    work.drop_expired_tokens(watch.now + timedelta(days=300))

    assert push_tokens() == ()
    assert len(dropped()) == 401
