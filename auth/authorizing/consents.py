"""What customers let partners have: asked once, again where a partner wants more, and taken back in the app."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth.authorizing.events import PartnerLetIn, PartnerShutOut
from auth.authorizing.models import ClientGrant
from auth.oauth import families
from auth.oauth.models import AuthorizationCode, Client
from auth.proofs import Owner
from core.errors import NotFound
from core.events import announce

_BOTH = "ARRAY(SELECT DISTINCT unnest(client_grant.scopes || excluded.scopes) ORDER BY 1)"


@dataclass(frozen=True, slots=True, kw_only=True)
class LetIn:
    """A partner that a customer let in."""

    client_id: str
    name: str
    scopes: list[str]
    granted_at: datetime


def covers(session: Session, customer_id: UUID, client_id: str, scope: str) -> bool:
    """Whether the customer granted all of these scopes before; they stay granted until this transaction ends, so that
    what it issues is there to be taken back."""
    query = select(ClientGrant.scopes).where(ClientGrant.customer_id == customer_id, ClientGrant.client_id == client_id)
    granted = session.scalar(query.with_for_update(read=True, key_share=True))
    return granted is not None and set(scope.split()) <= set(granted)


def let_in(session: Session, customer_id: UUID, client_id: str, scope: str, *, now: datetime) -> None:
    """Grant these scopes, beside those that were granted before.

    effects  announces partner.let_in
    """
    row = insert(ClientGrant).values(
        customer_id=customer_id, client_id=client_id, scopes=sorted(scope.split()), granted_at=now
    )
    merged = row.on_conflict_do_update(
        index_elements=["customer_id", "client_id"],
        set_={"scopes": text(_BOTH), "granted_at": row.excluded.granted_at},
    )
    scopes = session.scalar(merged.returning(ClientGrant.scopes))

    announce(
        session,
        PartnerLetIn(customer_id=customer_id, occurred_at=now, client_id=client_id, scopes=list(scopes or [])),
    )


def of(session: Session, customer_id: UUID) -> list[LetIn]:
    """The partners that a customer let in, the newest first."""
    query = (
        select(ClientGrant, Client.name)
        .join(Client, Client.client_id == ClientGrant.client_id)
        .where(ClientGrant.customer_id == customer_id)
        .order_by(ClientGrant.granted_at.desc(), ClientGrant.client_id)
    )
    return [
        LetIn(client_id=grant.client_id, name=name, scopes=list(grant.scopes), granted_at=grant.granted_at)
        for grant, name in session.execute(query)
    ]


def shut_out(session: Session, customer_id: UUID, client_id: str, *, now: datetime) -> None:
    """Take back what a partner was let have: its tokens end, and it has to ask again.

    raises   NotFound for one that was not let in
    effects  announces partner.shut_out
    """
    grant = session.get(ClientGrant, (customer_id, client_id), with_for_update=True)
    if grant is None:
        raise NotFound
    unused = delete(AuthorizationCode).where(
        AuthorizationCode.customer_id == customer_id,
        AuthorizationCode.client_id == client_id,
        AuthorizationCode.redeemed_at.is_(None),
    )

    session.delete(grant)
    session.execute(unused)
    families.revoke_where(
        session, owner=Owner(customer_id=customer_id), client_id=client_id, reason="partner_shut_out", now=now
    )

    announce(session, PartnerShutOut(customer_id=customer_id, occurred_at=now, client_id=client_id))
