"""Beginning sessions, and finding them by what their browser or app holds."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from auth import opaque
from auth.oauth.models import TokenFamily
from auth.proofs import Owner, Proved
from auth.sessions import device_secrets
from auth.sessions.models import LoginSession
from core import crypto, ids
from core.audit.origin import network_of

Kind = Literal["app", "web"]

#: How long a session may lie unused, and how long it holds at all.
CUSTOMER_IDLE, CUSTOMER_ABSOLUTE = timedelta(days=30), timedelta(days=180)
STAFF_IDLE, STAFF_ABSOLUTE = timedelta(minutes=30), timedelta(hours=8)

#: `touch` writes no oftener than this, so that a page of many requests is one write.
TOUCHED_EVERY = timedelta(minutes=1)

AGENT_PLACE, NETWORK_PLACE = "auth.session.agent", "auth.session.place"
_LONGEST_AGENT = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A new session. handle: the secret that its browser (a cookie) or app (the device_secret) holds; we do not."""

    id: UUID
    handle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A session that has not ended."""

    id: UUID
    kind: str
    client_id: str
    proved: Proved
    device_id: str | None
    created_at: datetime
    seen_at: datetime


def begin(
    session: Session,
    *,
    proved: Proved,
    kind: Kind,
    client_id: str,
    device_id: str | None = None,
    address: str | None = None,
    agent: str | None = None,
    now: datetime,
) -> Begun:
    """What a sign-in begins: a row that every token of it hangs from.

    address, agent  where it came from, as the network (/24 or /64) and the first words of the user agent; kept sealed
    raises          Erased when the owner has no data key (any more)
    """
    session_id, handle, owner = ids.new(), opaque.new(), proved.owner
    network = network_of(address)
    session.add(
        LoginSession(
            id=session_id,
            customer_id=owner.customer_id,
            staff_id=owner.staff_id,
            kind=kind,
            client_id=client_id,
            handle=opaque.kept("session", handle),
            auth_time=proved.auth_time,
            acr=proved.acr,
            amr=list(proved.amr),
            device_id=device_id,
            agent=_sealed(session, owner, AGENT_PLACE, session_id, agent[:_LONGEST_AGENT] if agent else None),
            place=_sealed(session, owner, NETWORK_PLACE, session_id, network),
            created_at=now,
            seen_at=now,
            expires_at=now + (CUSTOMER_ABSOLUTE if owner.customer_id else STAFF_ABSOLUTE),
        )
    )
    session.flush()
    return Begun(id=session_id, handle=handle)


def by_handle(session: Session, handle: str, *, kind: Kind, now: datetime, is_held: bool = False) -> Live | None:
    """The living session of a cookie (web) or a device_secret (app), though that may be of a session in a browser;
    None for whatever is unknown, ended, idle or over.

    is_held  it cannot end before this transaction does: for who hangs something from it
    """
    in_browser = device_secrets.browser_session(handle) if kind == "app" else None
    if in_browser is not None:
        query = select(LoginSession).where(LoginSession.id == in_browser)
    else:
        kept = opaque.kept("session", handle)
        query = select(LoginSession).where(LoginSession.handle == kept, LoginSession.kind == kind)
    return _living(session, _read(session, query, is_held), now, has_apps=kind == "app")


def by_id(session: Session, session_id: UUID, *, now: datetime, is_held: bool = False) -> Live | None:
    """The living session of a `sid`; None for whatever is unknown, ended, idle or over. is_held: see `by_handle`"""
    row = _read(session, select(LoginSession).where(LoginSession.id == session_id), is_held)
    return _living(session, row, now, has_apps=row is not None and row.kind == "app")


def touch(session: Session, session_id: UUID, *, now: datetime) -> None:
    """Note that a session is in use, once a minute at most."""
    is_due = LoginSession.seen_at <= now - TOUCHED_EVERY
    query = update(LoginSession).where(LoginSession.id == session_id, LoginSession.ended_at.is_(None), is_due)
    session.execute(query.values(seen_at=now).execution_options(synchronize_session=False))


def owner_of(row: LoginSession) -> Owner:
    return Owner(customer_id=row.customer_id, staff_id=row.staff_id)


def is_idle(row: LoginSession, seen_at: datetime, now: datetime) -> bool:
    return now >= seen_at + (CUSTOMER_IDLE if row.customer_id else STAFF_IDLE)


def _read(session: Session, query: Select[LoginSession], is_held: bool) -> LoginSession | None:
    if is_held:
        query = query.with_for_update(read=True, key_share=True).execution_options(populate_existing=True)
    return session.scalar(query)


def _living(session: Session, row: LoginSession | None, now: datetime, *, has_apps: bool) -> Live | None:
    if row is None or row.ended_at is not None or now >= row.expires_at:
        return None
    seen_at = row.seen_at
    if has_apps and is_idle(row, seen_at, now):
        # An app shows itself by refreshing, and a refresh writes to its family alone.
        query = select(func.max(TokenFamily.rotated_at)).where(TokenFamily.session_id == row.id)
        seen_at = session.scalar(query) or seen_at
    if is_idle(row, seen_at, now):
        return None
    return Live(
        id=row.id,
        kind=row.kind,
        client_id=row.client_id,
        proved=Proved(owner=owner_of(row), auth_time=row.auth_time, acr=row.acr, amr=tuple(row.amr)),
        device_id=row.device_id,
        created_at=row.created_at,
        seen_at=seen_at,
    )


def _sealed(session: Session, owner: Owner, place: str, session_id: UUID, text: str | None) -> bytes | None:
    return crypto.seal(session, owner_id=owner.id, place=place, row_id=session_id, text=text) if text else None
