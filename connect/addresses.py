"""Telephone numbers and e-mail addresses that a server tells of somebody, and whose they are."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from uuid import UUID

from auth import emails, phones
from auth.errors import EmailInvalid, PhoneInvalid
from connect.calls import Call
from core.db import Connection


def of(call: Call) -> Iterator[tuple[str, str]]:
    """("phone" or "email", the address in its one spelling) of what the traits tell, the number first: one is proved
    at each sign-in, an address once."""
    traits = call.content.get("traits")
    if not isinstance(traits, dict):
        return
    phone, email = traits.get("phone"), traits.get("email")
    if isinstance(phone, str):
        with suppress(PhoneInvalid):
            yield "phone", phones.normalised(phone)
    if isinstance(email, str):
        with suppress(EmailInvalid):
            yield "email", emails.normalised(email)


def owners_of(connection: Connection, calls: Sequence[Call]) -> dict[str, UUID]:
    """By address, the customer who proved that it is theirs."""
    told = {address: kind for call in calls for kind, address in of(call)}
    if not told:
        return {}
    by_phone = {phones.index_of(address): address for address, kind in told.items() if kind == "phone"}
    by_email = {emails.index_of(address): address for address, kind in told.items() if kind == "email"}
    rows = connection.execute(
        """
        SELECT phone_index, NULL, id FROM auth.customer WHERE phone_index = ANY(%s)
        UNION ALL
        SELECT NULL, email_index, id FROM auth.customer
         WHERE email_index = ANY(%s) AND email_verified_at IS NOT NULL
        """,
        [list(by_phone), list(by_email)],
    ).fetchall()
    return {by_phone[bytes(phone)] if phone else by_email[bytes(email)]: owner for phone, email, owner in rows}
