"""Contacts: where a customer can be reached, and in which language, for whoever writes messages."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth import customers, devices
from auth.models import Customer, Device


@dataclass(frozen=True, slots=True, kw_only=True)
class PushAddress:
    """device_row is the `address_id` to hand to delivery, so that a dead token comes back to its device."""

    device_row: UUID
    platform: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """time_zone is None where the customer's is not known: the brand's holds."""

    customer_id: UUID
    phone: str
    locale: str | None
    time_zone: str | None
    push: tuple[PushAddress, ...]

    @property
    def push_tokens(self) -> tuple[str, ...]:
        return tuple(address.token for address in self.push)


def contacts_of(session: Session, customer_ids: Iterable[UUID]) -> dict[UUID, Contact]:
    """The contacts of any number of customers, in at most three queries; unknown and erased ones are left out."""
    wanted = list(set(customer_ids))
    rows = session.scalars(select(Customer).where(Customer.id.in_(wanted))).all()
    phones = customers.opened_phones(session, rows)
    with_push = select(Device).where(Device.customer_id.in_(list(phones)), Device.push_token.is_not(None))
    push: dict[UUID, list[PushAddress]] = {}
    for device in session.scalars(with_push.order_by(Device.seen_at.desc(), Device.id)):
        address = PushAddress(
            device_row=device.id, platform=device.platform, token=devices.opened_token(session, device)
        )
        push.setdefault(device.customer_id, []).append(address)

    return {
        row.id: Contact(
            customer_id=row.id,
            phone=phones[row.id],
            locale=row.locale,
            time_zone=row.time_zone,
            push=tuple(push.get(row.id, ())),
        )
        for row in rows
        if row.id in phones
    }
