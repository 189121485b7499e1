"""People: who has a number, and how customers are called before each other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import phonenumbers
from sqlalchemy import select
from sqlalchemy.orm import Session

from auth import customers, phones
from auth.models import Customer
from core import crypto
from core.db import connection_of


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a telephone. customer_id: None while the number is nobody's."""

    phone: str
    index: bytes
    customer_id: UUID | None


def by_phone(session: Session, phone: str) -> Person:
    """Who has a number, until this transaction is over: somebody who signs up meanwhile is bound after it.

    raises  PhoneInvalid
    """
    phone = phones.normalised(phone)
    index = phones.index_of(phone)
    lock_numbers(session, [index])
    return Person(phone, index, customers.by_phone(session, phone))


def lock_numbers(session: Session, indexes: Iterable[bytes]) -> None:
    """Let no two transactions at once look for who has a number, and for what waits for it.

    Else money could be kept for a number as nobody's right after its new owner's sendings were looked for.
    """
    keys = sorted({int.from_bytes(index[:8], signed=True) for index in indexes})
    connection_of(session).execute("SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS key", [keys])


def indexes_of(session: Session, customer_ids: Sequence[UUID]) -> dict[UUID, bytes]:
    """The blind indexes of customers' numbers; erased ones are left out."""
    query = select(Customer.id, Customer.phone_index).where(Customer.id.in_(customer_ids))
    return {customer_id: index for customer_id, index in session.execute(query) if index is not None}


def names_of(session: Session, customer_ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """What customers are called before others: their number, most of it covered. Erased ones are left out."""
    wanted = {customer_id for customer_id in customer_ids if customer_id is not None}
    rows = session.scalars(select(Customer).where(Customer.id.in_(wanted))).all() if wanted else []
    return {customer_id: covered(phone) for customer_id, phone in customers.opened_phones(session, rows).items()}


def covered(phone: str) -> str:
    """+12125550142 is "+1 ••• 0142"; of a number with seven digits or fewer the last two are told."""
    number = phonenumbers.parse(phone, None)
    national = phonenumbers.national_significant_number(number)
    return f"+{number.country_code} ••• {national[-4:] if len(national) > 7 else national[-2:]}"


def sealed(session: Session, table: str, column: str, owner_id: UUID, row_id: UUID, text: str | None) -> bytes | None:
    """A text under its author's own key.

    raises  Erased where the author is
    """
    if text is None:
        return None
    return crypto.seal(session, owner_id=owner_id, place=f"wallet.{table}.{column}", row_id=row_id, text=text)


def opened(
    session: Session, table: str, column: str, owner_id: UUID, row_id: UUID, ciphertext: bytes | None
) -> str | None:
    """The text; None where there is none, or its author is erased."""
    if ciphertext is None:
        return None
    try:
        return crypto.unseal(
            session, owner_id=owner_id, place=f"wallet.{table}.{column}", row_id=row_id, ciphertext=ciphertext
        )
    except crypto.Erased:
        return None
