"""Customers: known by the phone number that they proved, and otherwise only by a pseudonymous id."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy import Uuid, any_, delete, insert, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from auth import birthdays, phones
from auth.errors import TimeZoneUnknown
from auth.events import CustomerChanged, CustomerSignedUp
from auth.models import ACTIVE, Customer
from core import crypto, ids
from core.errors import NotFound
from core.events import announce, announce_all

_TIME_ZONES = frozenset(available_timezones())


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUp:
    phone: str
    locale: str | None = None
    time_zone: str | None = None


def sign_up(session: Session, *, phone: str, locale: str | None, time_zone: str | None, now: datetime) -> Customer:
    """The customer of a phone number, new or known already.

    raises   PhoneInvalid, TimeZoneUnknown
    effects  announces customer.signed_up for a new one
    """
    phone, index = _checked(phone, time_zone)
    return _by_index(session, index) or _add(session, phone, index, locale, time_zone, now=now)


def sign_up_all(session: Session, rows: Sequence[SignUp], *, now: datetime) -> list[UUID]:
    """`sign_up` for many in a handful of statements; the ids come in the order given.

    effects  a phone number given twice is one customer. Meant for imports: should another transaction sign one of
             them up at the same moment, this one fails on uq_customer_phone_index and may be run again
    """
    checked = [_checked(row.phone, row.time_zone) for row in rows]
    indexes = [index for _, index in checked]
    query = select(Customer.phone_index, Customer.id).where(Customer.phone_index.in_(indexes))
    known: dict[bytes, UUID] = {index: customer_id for index, customer_id in session.execute(query) if index}
    fresh: dict[bytes, tuple[UUID, str, SignUp]] = {}
    for row, (phone, index) in zip(rows, checked, strict=True):
        if index not in known:
            fresh.setdefault(index, (ids.new(), phone, row))

    new_ids = [customer_id for customer_id, _, _ in fresh.values()]
    crypto.create_data_keys(session, new_ids)
    crypto.fetch_data_keys(session, new_ids)
    values = [
        {**_columns(session, customer_id, phone, index, row.locale, row.time_zone), "created_at": now}
        for index, (customer_id, phone, row) in fresh.items()
    ]
    if values:
        session.execute(insert(Customer), values)

    announce_all(
        session,
        [
            CustomerSignedUp(customer_id=customer_id, occurred_at=now, locale=row.locale, time_zone=row.time_zone)
            for customer_id, _, row in fresh.values()
        ],
    )
    return [known[index] if index in known else fresh[index][0] for index in indexes]


def add_sandbox(session: Session, *, now: datetime) -> UUID:
    """A customer of a sandbox: nobody, so without a phone number, and nobody is told of a sign-up (decision 0024)."""
    customer_id = ids.new_sandbox()
    crypto.create_data_keys(session, [customer_id])
    session.add(Customer(id=customer_id, status=ACTIVE, created_at=now))
    session.flush()
    return customer_id


def by_phone(session: Session, phone: str) -> UUID | None:
    """Who has this number, in whatever way it is written.

    raises  PhoneInvalid
    """
    customer = _by_index(session, phones.index_of(phones.normalised(phone)))
    return customer.id if customer else None


def find(session: Session, customer_id: UUID) -> Customer:
    """raises  NotFound"""
    customer = session.get(Customer, customer_id)
    if customer is None:
        raise NotFound
    return customer


def phone_of(session: Session, customer_id: UUID) -> str:
    """raises  NotFound; Erased when the number is gone"""
    return _opened_phone(session, find(session, customer_id))


def change(session: Session, customer_id: UUID, *, changes: Mapping[str, str | None], now: datetime) -> Customer:
    """Set what is named in `changes`: locale, time_zone, birthday.

    raises   NotFound, TimeZoneUnknown, BirthdayInvalid, BirthdayFixed
    effects  announces customer.changed where anything is another than it was
    """
    _check_time_zone(changes.get("time_zone"))
    customer = session.get(Customer, customer_id, with_for_update="birthday" in changes)
    if customer is None:
        raise NotFound
    before = {"locale": customer.locale, "time_zone": customer.time_zone, "birthday": customer.birthday}

    customer.locale = changes.get("locale", customer.locale)
    customer.time_zone = changes.get("time_zone", customer.time_zone)
    if "birthday" in changes:
        birthdays.put(session, customer, changes["birthday"], now=now)

    changed = [name for name, value in before.items() if getattr(customer, name) != value]
    if changed:
        announce(session, CustomerChanged(customer_id=customer_id, occurred_at=now, fields=changed))
    return customer


def move_number(session: Session, customer: Customer, phone: str) -> None:
    """Give a customer another number (E.164); the caller holds the row's lock.

    raises  the refusal of uq_customer_phone_index where another customer took it at this moment
    """
    customer.phone = crypto.seal(session, owner_id=customer.id, place=phones.PLACE, row_id=customer.id, text=phone)
    customer.phone_index = phones.index_of(phone)
    session.flush()


def with_birthday(session: Session, month_day: str, *, after: UUID | None, limit: int) -> list[UUID]:
    """Active customers whose birthday falls on a day (02-28), in the order of their ids; after: the last of a page."""
    query = select(Customer.id).where(
        Customer.birthday_index == birthdays.index_of(month_day), Customer.status == ACTIVE
    )
    query = query.order_by(Customer.id).limit(limit)
    return list(session.scalars(query if after is None else query.where(Customer.id > after)))


def known(session: Session, customer_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the ids that are customers'."""
    asked = literal(list(customer_ids), ARRAY(Uuid))
    return set(session.scalars(select(Customer.id).where(Customer.id == any_(asked))))


def barred(session: Session, customer_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the ids whose customers are suspended, being erased, or erased."""
    asked = literal(list(customer_ids), ARRAY(Uuid))
    return set(session.scalars(select(Customer.id).where(Customer.id == any_(asked), Customer.status != ACTIVE)))


def time_zones(session: Session, customer_ids: Iterable[UUID]) -> dict[UUID, str | None]:
    """By customer, the time zone of their own; None where it is not known."""
    asked = literal(list(customer_ids), ARRAY(Uuid))
    rows = session.execute(select(Customer.id, Customer.time_zone).where(Customer.id == any_(asked)))
    return {row.id: row.time_zone for row in rows}


def is_active(session: Session, customer_id: UUID, *, is_held: bool = False) -> bool:
    """is_held: nobody suspends them before this transaction ends; for who locks or adds what is theirs afterwards"""
    query = select(Customer.status).where(Customer.id == customer_id)
    return session.scalar(query.with_for_update(read=True, key_share=True) if is_held else query) == ACTIVE


def opened_phones(session: Session, customers: Iterable[Customer]) -> dict[UUID, str]:
    """The numbers of many customers with one query for their keys; erased customers are left out."""
    customers = list(customers)
    crypto.fetch_data_keys(session, [customer.id for customer in customers])
    opened = {}
    for customer in customers:
        try:
            opened[customer.id] = _opened_phone(session, customer)
        except crypto.Erased:
            continue
    return opened


def _checked(phone: str, time_zone: str | None) -> tuple[str, bytes]:
    _check_time_zone(time_zone)
    phone = phones.normalised(phone)
    return phone, phones.index_of(phone)


def _check_time_zone(name: str | None) -> None:
    if name is not None and name not in _TIME_ZONES:
        raise TimeZoneUnknown


def _by_index(session: Session, index: bytes) -> Customer | None:
    return session.scalar(select(Customer).where(Customer.phone_index == index))


def _add(
    session: Session, phone: str, index: bytes, locale: str | None, time_zone: str | None, *, now: datetime
) -> Customer:
    customer_id = ids.new()
    crypto.create_data_keys(session, [customer_id])
    values = {**_columns(session, customer_id, phone, index, locale, time_zone), "created_at": now}
    statement = upsert(Customer).values(values).on_conflict_do_nothing(index_elements=["phone_index"])
    added: Customer | None = session.scalar(statement.returning(Customer))
    if added is None:
        # A twin signed the same number up while we waited for its commit.
        session.execute(delete(crypto.DataKey).where(crypto.DataKey.owner_id == customer_id))
        found = _by_index(session, index)
        if found is None:
            raise NotFound
        return found

    announce(session, CustomerSignedUp(customer_id=added.id, occurred_at=now, locale=locale, time_zone=time_zone))
    return added


def _columns(
    session: Session, customer_id: UUID, phone: str, index: bytes, locale: str | None, time_zone: str | None
) -> dict[str, object]:
    return {
        "id": customer_id,
        "phone": crypto.seal(session, owner_id=customer_id, place=phones.PLACE, row_id=customer_id, text=phone),
        "phone_index": index,
        "locale": locale,
        "time_zone": time_zone,
        "status": ACTIVE,
    }


def _opened_phone(session: Session, customer: Customer) -> str:
    if customer.phone is None:
        raise crypto.Erased
    return crypto.unseal(
        session, owner_id=customer.id, place=phones.PLACE, row_id=customer.id, ciphertext=customer.phone
    )
