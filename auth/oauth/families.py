"""Families of refresh tokens: each comes of one sign-in of one client, and only its newest token rotates."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from auth.events import CustomerSignedIn, TokenFamilyRevoked
from auth.oauth import refresh_tokens, scopes
from auth.oauth.clients import Client
from auth.oauth.models import AuthorizationCode, TokenFamily
from auth.proofs import Grant, Owner, Proved
from auth.tokens import revocations
from core import ids
from core.events import announce, announce_all

IDLE, ABSOLUTE = timedelta(days=30), timedelta(days=180)
#: Staff sign in anew each day, and after half an hour away.
STAFF_IDLE, STAFF_ABSOLUTE = timedelta(minutes=30), timedelta(hours=8)


def begin(
    session: Session,
    *,
    client: Client,
    proved: Proved,
    session_id: UUID,
    scope: str,
    jkt: bytes | None,
    now: datetime,
    nonce: str | None = None,
) -> Grant:
    """What a client gets of one sign-in. Its refresh token is told to the brand's own clients and to who was granted
    `offline_access`; nobody ever learns another's.

    effects  announces customer.signed_in
    """
    secret, owner = refresh_tokens.new_secret(), proved.owner
    family = TokenFamily(
        id=ids.new(),
        client_id=client.client_id,
        customer_id=owner.customer_id,
        staff_id=owner.staff_id,
        session_id=session_id,
        scope=scope,
        jkt=jkt,
        auth_time=proved.auth_time,
        acr=proved.acr,
        amr=list(proved.amr),
        generation=0,
        token=refresh_tokens.kept(secret),
        idle_seconds=int((IDLE if owner.customer_id else STAFF_IDLE).total_seconds()),
        rotated_at=now,
        created_at=now,
        # By when its owner signed in, so that a second app's does not outlive what it hangs from.
        ends_at=proved.auth_time + (ABSOLUTE if owner.customer_id else STAFF_ABSOLUTE),
    )
    session.add(family)
    session.flush()

    if owner.customer_id:
        announce(
            session,
            CustomerSignedIn(
                customer_id=owner.customer_id,
                occurred_at=now,
                family_id=family.id,
                client_id=client.client_id,
                session_id=session_id,
                amr=list(proved.amr),
            ),
        )
    is_told = client.is_first_party or scopes.has(scope, scopes.OFFLINE)
    may_refresh = client.check_grant_type("refresh_token")
    return grant_of(family, refresh_tokens.spell(family.id, 0, secret) if is_told and may_refresh else None, nonce)


def grant_of(family: TokenFamily, refresh_token: str | None, nonce: str | None = None) -> Grant:
    return Grant(
        family_id=family.id,
        session_id=family.session_id,
        client_id=family.client_id,
        scope=family.scope,
        proved=Proved(
            owner=Owner(customer_id=family.customer_id, staff_id=family.staff_id),
            auth_time=family.auth_time,
            acr=family.acr,
            amr=tuple(family.amr),
        ),
        jkt=family.jkt,
        refresh_token=refresh_token,
        nonce=nonce,
    )


def find(session: Session, family_id: UUID) -> TokenFamily | None:
    return session.get(TokenFamily, family_id)


def are_others_in(session: Session, family: TokenFamily) -> bool:
    """Whether another client lives in the same session."""
    others = TokenFamily.session_id == family.session_id, TokenFamily.id != family.id, TokenFamily.revoked_at.is_(None)
    return bool(session.scalar(select(func.count()).where(*others)))


def revoke_where(
    session: Session,
    *,
    reason: str,
    now: datetime,
    family_id: UUID | None = None,
    session_id: UUID | None = None,
    owner: Owner | None = None,
    client_id: str | None = None,
    but_session: UUID | None = None,
) -> int:
    """End each living family that is all that was named: its refresh tokens and, within a second, its access tokens;
    returns how many.

    effects  locks them in the order of their ids; announces token_family.revoked for each
    """
    wanted: list[ColumnElement[bool]] = [TokenFamily.revoked_at.is_(None)]
    if family_id is not None:
        wanted.append(TokenFamily.id == family_id)
    if session_id is not None:
        wanted.append(TokenFamily.session_id == session_id)
    if owner is not None:
        is_owner = TokenFamily.customer_id == owner.id if owner.customer_id else TokenFamily.staff_id == owner.id
        wanted.append(is_owner)
    if client_id is not None:
        wanted.append(TokenFamily.client_id == client_id)
    if len(wanted) == 1:
        raise ValueError("say whose families end")
    if but_session is not None:
        wanted.append(TokenFamily.session_id != but_session)
    query = select(TokenFamily).where(*wanted).order_by(TokenFamily.id).with_for_update()
    found = session.scalars(query.execution_options(populate_existing=True)).all()
    revoke_all(session, found, reason=reason, now=now)
    return len(found)


def revoke_all(session: Session, families: Sequence[TokenFamily], *, reason: str, now: datetime) -> None:
    """As `revoke_where`, of families that are locked; those that were revoked before are left as they are."""
    ended = [family for family in families if family.revoked_at is None]
    for family in ended:
        family.revoked_at, family.revoked_because = now, reason
        revocations.add(session, f"family:{family.id}", now=now)

    announce_all(
        session,
        [
            TokenFamilyRevoked(customer_id=family.customer_id, occurred_at=now, family_id=family.id, reason=reason)
            for family in ended
        ],
    )


def forget(session: Session, *, now: datetime, most: int) -> int:
    """Drop up to `most` families that are past the end that each was given; returns how many."""
    over = session.scalars(select(TokenFamily.id).where(TokenFamily.ends_at <= now).limit(most)).all()
    session.execute(update(AuthorizationCode).where(AuthorizationCode.family_id.in_(over)).values(family_id=None))
    session.execute(delete(TokenFamily).where(TokenFamily.id.in_(over)))
    return len(over)
