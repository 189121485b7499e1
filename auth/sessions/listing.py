"""Where a customer is signed in, as they are shown it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from auth.models import Device
from auth.oauth.models import Client, TokenFamily
from auth.sessions.beginning import AGENT_PLACE, CUSTOMER_IDLE, NETWORK_PLACE
from auth.sessions.models import LoginSession
from core import crypto


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A session. agent, network: the browser or app and where it came from, as far as that is kept"""

    id: UUID
    kind: str
    client_name: str
    agent: str | None
    network: str | None
    platform: str | None
    app_version: str | None
    created_at: datetime
    seen_at: datetime


def page(session: Session, customer_id: UUID, *, before: UUID | None, limit: int, now: datetime) -> Sequence[Shown]:
    """The living sessions of a customer, the latest first; before: the last of a page."""
    refreshed = (
        select(func.max(TokenFamily.rotated_at))
        .where(TokenFamily.session_id == LoginSession.id)
        .correlate(LoginSession)
        .scalar_subquery()
    )
    # A token that outlives its session is shown as well: whatever still signs somebody in is to be seen here.
    lives_on = exists().where(
        TokenFamily.session_id == LoginSession.id, TokenFamily.revoked_at.is_(None), TokenFamily.ends_at > now
    )
    seen_at = func.greatest(LoginSession.seen_at, refreshed)  # which leaves NULL aside
    query = (
        select(LoginSession, seen_at, Client.name, Device.platform, Device.app_version)
        .join(Client, Client.client_id == LoginSession.client_id)
        .outerjoin(
            Device,
            and_(Device.customer_id == LoginSession.customer_id, Device.device_id == LoginSession.device_id),
        )
        .where(
            LoginSession.customer_id == customer_id,
            LoginSession.ended_at.is_(None),
            or_(LoginSession.expires_at > now, lives_on),
            seen_at > now - CUSTOMER_IDLE,
        )
        .order_by(LoginSession.id.desc())
        .limit(limit)
    )
    rows = session.execute(query if before is None else query.where(LoginSession.id < before)).all()
    return [_shown(session, row) for row in rows]


def is_of(session: Session, session_id: UUID, customer_id: UUID) -> bool:
    """Whether a session is this customer's and has not ended."""
    row = session.get(LoginSession, session_id)
    return row is not None and row.customer_id == customer_id and row.ended_at is None


def _shown(session: Session, found: Row[LoginSession, datetime, str, str | None, str | None]) -> Shown:
    row, seen_at, client_name, platform, app_version = found
    return Shown(
        id=row.id,
        kind=row.kind,
        client_name=client_name,
        agent=_opened(session, row, AGENT_PLACE, row.agent),
        network=_opened(session, row, NETWORK_PLACE, row.place),
        platform=platform,
        app_version=app_version,
        created_at=row.created_at,
        seen_at=seen_at,
    )


def _opened(session: Session, row: LoginSession, place: str, sealed: bytes | None) -> str | None:
    if sealed is None or row.customer_id is None:
        return None
    return crypto.unseal(session, owner_id=row.customer_id, place=place, row_id=row.id, ciphertext=sealed)
