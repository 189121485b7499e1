"""Whom an id from outside means: one of our customers, or a pseudonym of somebody we do not know yet."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from connect import addresses
from connect.calls import Call
from connect.errors import IdentityTaken, LinkRefused
from connect.events import IdentityMapped
from connect.models import ExternalIdentity
from connect.sources import Source
from core import audit, crypto, pseudonyms
from core.db import Connection, connection_of
from core.errors import NotFound
from core.events import announce
from insights.identities import links

#: How pseudonyms of other systems' ids begin, and how much of their index they hold.
_EXTERNAL, _CHARACTERS = "external", 32


class Identity(NamedTuple):
    """Whose event it is. With both known, the anonymous subject did what it did as this customer; known_by: by what a
    server, which alone is believed in this, knows that."""

    customer_id: UUID | None
    subject_id: str | None
    known_by: str | None = None


def map_external(
    session: Session, *, source: str, external_id: str, customer_id: UUID, actor: str, now: datetime
) -> None:
    """Remember whom a source means by this id; what it reported under it before becomes the customer's.

    raises   LinkRefused for an id such as "null", and where staff undid the very same; NotFound for an unknown
             customer; IdentityTaken when the id is another customer's
    effects  the first time, announces identity.mapped and writes the audit log (without the id itself)
    """
    if pseudonyms.is_reserved(external_id):
        raise LinkRefused
    if not _customers(connection_of(session), [customer_id]):
        raise NotFound
    if links.are_apart(session, _user_subject(source, external_id), customer_id):
        raise LinkRefused("This was undone: the id and the customer are kept apart")
    row = {"source": source, "external_id_index": _index(source, external_id), "customer_id": customer_id}
    added = session.execute(
        insert(ExternalIdentity)
        .values(created_at=now, **row)
        .on_conflict_do_nothing()
        .returning(ExternalIdentity.source)
    ).first()
    if added is None:
        kept = session.get(ExternalIdentity, (source, row["external_id_index"]))
        if kept is None or kept.customer_id != customer_id:
            raise IdentityTaken
        return

    audit.record(
        session,
        actor=actor,
        action="identity.map",
        target=f"customer:{customer_id}",
        change={"source": source},
        now=now,
    )
    announce(
        session,
        IdentityMapped(
            customer_id=customer_id, subject_id=_user_subject(source, external_id), system=source, occurred_at=now
        ),
    )


def unmap(session: Session, *, subject_id: str, customer_id: UUID) -> None:
    """Forget that the customer is whom a source means by the id of this pseudonym, where that was mapped."""
    kind, _, index = subject_id.partition(":")
    if kind == _EXTERNAL:
        connection_of(session).execute(
            "DELETE FROM connect.external_identity"
            " WHERE customer_id = %s AND left(encode(external_id_index, 'hex'), %s) = %s",
            [customer_id, _CHARACTERS, index],
        )


def of_calls(connection: Connection, calls: Sequence[Call], *, source: Source) -> list[Identity]:
    """Whose each call is, with one query for any number: a userId is a customer's id of ours or one that was mapped.

    A server's identify of somebody unknown is looked up by the telephone number and the proved e-mail address that it
    tells, too. A client's is not: it lies in an app, and anyone could take another's address for theirs.
    """
    given = {call.user_id for call in calls if call.user_id}
    known = _known(connection, given, source=source.name) if given else {}
    anonymous = {call.previous_id or call.anonymous_id for call in calls}
    pseudonym = pseudonyms.many_anonymous()
    subjects = {given: pseudonym(given) for given in anonymous if given}
    found = [_identity(call, known, subjects, source.name) for call in calls]
    if not source.is_server:
        return found
    reached = addresses.owners_of(connection, [call for call in calls if call.type == "identify"])
    return [_known_by(call, identity, reached) for call, identity in zip(calls, found, strict=True)]


def _identity(call: Call, known: Mapping[str, UUID], subjects: Mapping[str, str], source: str) -> Identity:
    customer_id = known.get(call.user_id) if call.user_id else None
    if customer_id is None and call.user_id:
        return Identity(None, _user_subject(source, call.user_id))
    anonymous_id = call.previous_id or call.anonymous_id
    if anonymous_id is None or (customer_id is not None and pseudonyms.names_nobody(anonymous_id)):
        return Identity(customer_id, None)
    return Identity(customer_id, subjects[anonymous_id])


def _known_by(call: Call, identity: Identity, reached: Mapping[str, UUID]) -> Identity:
    """What a server's word adds: by what it knows the customer."""
    if identity.customer_id is not None:
        return identity._replace(known_by="server") if identity.subject_id else identity
    for kind, address in addresses.of(call):
        customer_id = reached.get(address)
        if customer_id is not None:
            names_nobody = pseudonyms.names_nobody(call.user_id or call.anonymous_id or "")
            return Identity(customer_id, None if names_nobody else identity.subject_id, kind)
    return identity


def _user_subject(source: str, external_id: str) -> str:
    return f"{_EXTERNAL}:{_index(source, external_id).hex()[:_CHARACTERS]}"


def _index(source: str, external_id: str) -> bytes:
    return crypto.blind_index(f"connect.external_id.{source}", external_id)


def _known(connection: Connection, ids: Iterable[str], *, source: str) -> dict[str, UUID]:
    uuids = {given: _uuid(given) for given in ids}
    by_index = {_index(source, given): given for given in uuids}
    rows = connection.execute(
        """
        SELECT external_id_index, customer_id FROM connect.external_identity
         WHERE source = %s AND external_id_index = ANY(%s)
        UNION ALL
        SELECT NULL, id FROM auth.customer WHERE id = ANY(%s) AND phone_index IS NOT NULL
        """,
        [source, list(by_index), list({customer_id for customer_id in uuids.values() if customer_id})],
    ).fetchall()
    ours = {customer_id for index, customer_id in rows if index is None}
    # What staff mapped goes before what only looks like an id of ours, which may be written in more ways than one.
    known = {given: customer_id for given, customer_id in uuids.items() if customer_id and customer_id in ours}
    return known | {by_index[bytes(index)]: customer_id for index, customer_id in rows if index is not None}


def _customers(connection: Connection, ids: Sequence[UUID]) -> list[UUID]:
    rows = connection.execute("SELECT id FROM auth.customer WHERE id = ANY(%s) AND phone_index IS NOT NULL", [ids])
    return [row[0] for row in rows]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None
