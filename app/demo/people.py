"""The files' households as customers: signed up, with their devices and what they agreed to."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from app.demo import batches, source_people
from app.demo.source import Household
from app.demo.source_files import TIME_ZONE
from auth import customers, devices
from auth.customers import SignUp
from auth.devices import Installation
from core.db import transaction
from engage import consents
from engage.consents import MARKETING, Said
from wallet import limits

BATCH = 50
APP_VERSION = "1.0.0"


def sign_up(households: Sequence[Household], *, now: datetime) -> Iterator[dict[int, UUID]]:
    """Sign all of them up, a batch a transaction; yields each batch's customers by household number."""
    for batch in batches.of(households, BATCH):
        numbers = [household.household_id for household in batch]
        with transaction() as session:
            customer_ids = customers.sign_up_all(session, [_sign_up(number) for number in numbers], now=now)
            signed_up = dict(zip(numbers, customer_ids, strict=True))
            told = [one for number, customer_id in signed_up.items() for one in _devices(number, customer_id)]
            devices.put_all(session, told, now=now)
            said = [one for number, customer_id in signed_up.items() for one in _said(number, customer_id)]
            consents.put_all(session, said, source="import", now=now)
            # The files' largest baskets pass what a customer may spend whom nobody has verified.
            limits.set_tiers(session, customer_ids, "verified", now=now)
        yield signed_up


def _sign_up(number: int) -> SignUp:
    return SignUp(phone=source_people.phone_number(number), locale=source_people.locale(number), time_zone=TIME_ZONE)


def _devices(number: int, customer_id: UUID) -> Iterator[Installation]:
    for device in source_people.devices(number):
        yield Installation(
            customer_id=customer_id,
            device_id=device.device_id,
            platform=device.platform,
            push_token=device.push_token,
            app_version=APP_VERSION,
            locale=source_people.locale(number),
        )


def _said(number: int, customer_id: UUID) -> Iterator[Said]:
    told = source_people.consents(number)
    for channel, is_granted in (("push", told.push), ("sms", told.sms), ("whatsapp", told.whatsapp)):
        yield Said(customer_id, channel, MARKETING, is_granted)
