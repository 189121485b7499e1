"""Which customer an identity at Apple or Google is: linked, found, unlinked."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth.federated import calls
from auth.federated.checking import Claimed
from auth.federated.errors import IdentityExists, IdentityTaken
from auth.federated.events import IdentityLinked, IdentityUnlinked
from auth.federated.models import Identity
from core import crypto, ids
from core.errors import NotFound
from core.events import announce


def find(session: Session, claimed: Claimed, *, now: datetime) -> UUID | None:
    """The customer who has linked this identity.

    effects  it was used now
    """
    row = session.scalar(select(Identity).where(Identity.subject_index == claimed.subject_index).with_for_update())
    if row is None:
        return None
    row.used_at = now
    return row.customer_id


def link(
    session: Session, customer_id: UUID, claimed: Claimed, *, provider_code: str | None = None, now: datetime
) -> Identity:
    """Let a customer sign in by this identity from now on; linking it again changes nothing.

    provider_code  Apple's authorization code, for a token with which the link can be ended at Apple's, too
    raises         IdentityTaken, IdentityExists
    effects        announces provider_identity.linked; Apple is asked for its token once this is committed
    """
    row = _insert(session, customer_id, claimed, now)
    if row is None:
        row = _found_before(session, customer_id, claimed)
        if provider_code and row.grant_token is None:
            calls.exchange_later(session, row, provider_code, now=now)
        return row
    if claimed.email is not None:
        row.email = crypto.seal(
            session, owner_id=customer_id, place="auth.identity.email", row_id=row.id, text=claimed.email
        )
    if provider_code:
        calls.exchange_later(session, row, provider_code, now=now)

    announce(
        session,
        IdentityLinked(customer_id=customer_id, occurred_at=now, identity_id=row.id, provider=row.provider),
    )
    return row


def of_customer(session: Session, customer_id: UUID) -> Sequence[Identity]:
    query = select(Identity).where(Identity.customer_id == customer_id).order_by(Identity.id)
    return session.scalars(query).all()


def email_of(session: Session, identity: Identity) -> str | None:
    if identity.email is None:
        return None
    return crypto.unseal(
        session,
        owner_id=identity.customer_id,
        place="auth.identity.email",
        row_id=identity.id,
        ciphertext=identity.email,
    )


def unlink(session: Session, customer_id: UUID, identity_id: UUID, *, now: datetime) -> None:
    """End a link. There is always the number to sign in by.

    raises   NotFound, also for another customer's
    effects  announces provider_identity.unlinked; Apple is told once this is committed
    """
    mine = (Identity.id == identity_id, Identity.customer_id == customer_id)
    row = session.scalar(select(Identity).where(*mine).with_for_update())
    if row is None:
        raise NotFound
    _drop(session, row, now)

    announce(
        session,
        IdentityUnlinked(customer_id=customer_id, occurred_at=now, identity_id=row.id, provider=row.provider),
    )


def end(session: Session, subject_index: bytes, *, told_at: datetime, now: datetime) -> None:
    """End the link of an identity whose owner ended it there; one that was made after that stays.

    effects  announces provider_identity.unlinked
    """
    row = session.scalar(select(Identity).where(Identity.subject_index == subject_index).with_for_update())
    if row is None or row.linked_at > told_at:
        return
    _drop(session, row, now)

    announce(
        session,
        IdentityUnlinked(customer_id=row.customer_id, occurred_at=now, identity_id=row.id, provider=row.provider),
    )


def drop_all(session: Session, customer_id: UUID, now: datetime) -> int:
    """Forget all identities of a customer who is erased, while their data key is still there; returns how many.

    effects  Apple is told once this is committed
    """
    query = select(Identity).where(Identity.customer_id == customer_id).order_by(Identity.id).with_for_update()
    rows = session.scalars(query).all()
    for row in rows:
        _drop(session, row, now)
    return len(rows)


def _insert(session: Session, customer_id: UUID, claimed: Claimed, now: datetime) -> Identity | None:
    values = {
        "id": ids.new(),
        "customer_id": customer_id,
        "provider": claimed.provider,
        "client_id": claimed.client_id,
        "subject_index": claimed.subject_index,
        "linked_at": now,
        "used_at": now,
    }
    return session.scalar(insert(Identity).values(values).on_conflict_do_nothing().returning(Identity))


def _found_before(session: Session, customer_id: UUID, claimed: Claimed) -> Identity:
    row = session.scalar(select(Identity).where(Identity.subject_index == claimed.subject_index))
    if row is None:
        raise IdentityExists
    if row.customer_id != customer_id:
        raise IdentityTaken
    return row


def _drop(session: Session, row: Identity, now: datetime) -> None:
    calls.revoke_later(session, row, now=now)
    session.delete(row)
    session.flush()
