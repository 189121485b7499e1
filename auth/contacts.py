"""Contacts: where a customer can be reached, and in which language, for whoever writes messages."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from auth import devices, emails, phones
from core import crypto
from core.db import connection_of

#: A device that was not seen for so long has most likely been given up.
STALE_AFTER = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class PushAddress:
    """device_row is the `address_id` to hand to delivery, so that a dead token comes back to its device."""

    device_row: UUID
    platform: str
    token: str
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """time_zone is None where the customer's is not known: the brand's holds.

    phone_index  what an opt-out of the number stands under
    email        only one that the customer proved is theirs
    push         the device seen last comes first
    """

    customer_id: UUID
    status: str
    phone: str
    phone_index: bytes
    email: str | None
    locale: str | None
    time_zone: str | None
    push: tuple[PushAddress, ...]

    @property
    def push_tokens(self) -> tuple[str, ...]:
        return tuple(address.token for address in self.push)

    def fresh_push(self, now: datetime) -> tuple[PushAddress, ...]:
        """The devices to send marketing to: the stale ones only where there is no fresher one."""
        fresh = tuple(address for address in self.push if now - address.seen_at <= STALE_AFTER)
        return fresh or self.push


def contacts_of(session: Session, customer_ids: Iterable[UUID]) -> dict[UUID, Contact]:
    """The contacts of any number of customers, in at most three queries; unknown and erased ones are left out."""
    connection = connection_of(session)
    rows = connection.execute(_CUSTOMERS, [list(set(customer_ids))]).fetchall()
    crypto.fetch_data_keys(session, [row[0] for row in rows])
    phones_of = {row[0]: phone for row in rows if (phone := _opened_phone(session, row[0], row[2])) is not None}
    push: dict[UUID, list[PushAddress]] = {}
    for device_row, customer_id, platform, token, seen_at in connection.execute(_DEVICES, [list(phones_of)]):
        opened = devices.opened_token(session, device_row, customer_id, token)
        address = PushAddress(device_row=device_row, platform=platform, token=opened, seen_at=seen_at)
        push.setdefault(customer_id, []).append(address)

    return {
        customer_id: Contact(
            customer_id=customer_id,
            status=status,
            phone=phones_of[customer_id],
            phone_index=phone_index,
            email=emails.opened(session, customer_id, email) if email is not None else None,
            locale=locale,
            time_zone=time_zone,
            push=tuple(push.get(customer_id, ())),
        )
        for customer_id, status, _, phone_index, email, locale, time_zone in rows
        if customer_id in phones_of
    }


def _opened_phone(session: Session, customer_id: UUID, ciphertext: bytes) -> str | None:
    """None for a customer who is being erased."""
    try:
        return crypto.unseal(
            session, owner_id=customer_id, place=phones.PLACE, row_id=customer_id, ciphertext=ciphertext
        )
    except crypto.Erased:
        return None


_CUSTOMERS = """
    SELECT id, status, phone, phone_index, CASE WHEN email_verified_at IS NOT NULL THEN email END, locale, time_zone
      FROM auth.customer WHERE id = ANY(%s) AND phone IS NOT NULL
"""

_DEVICES = """
    SELECT id, customer_id, platform, push_token, seen_at FROM auth.device
     WHERE customer_id = ANY(%s) AND push_token IS NOT NULL
     ORDER BY seen_at DESC, id
"""
