"""Deciding on what a device asked for, by the code that it shows: a customer on the page, staff for a till."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.device_grants import user_codes
from auth.device_grants.errors import NoTill
from auth.device_grants.models import APPROVED, DENIED, WAITING, DeviceGrant
from auth.models import Terminal
from auth.oauth import clients
from auth.oauth.models import Client
from auth.places import terminals
from auth.sessions import Live
from core import audit


@dataclass(frozen=True, slots=True)
class Wrong:
    """A code that no device shows. wait_seconds: for who has tried too often, whether this one was right or not"""

    wait_seconds: int | None = None


def waiting(session: Session, *, user_code: str, who: str, address: str, now: datetime) -> DeviceGrant | Wrong:
    """What waits behind a code, locked. Whoever asks commits, also where it was wrong: the try was counted.

    who  is asking: tries are counted by them, and by address
    """
    wait = user_codes.take(session, who=who, address=address, now=now)
    if wait is not None:
        return Wrong(wait)
    code = user_codes.normalised(user_code)
    if code is None:
        return Wrong()
    query = select(DeviceGrant).where(DeviceGrant.user_code == user_codes.kept(code), DeviceGrant.status == WAITING)
    grant = session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if grant is None or now >= grant.expires_at:
        return Wrong()
    user_codes.give_back(session, who=who, address=address, now=now)
    return grant


def approve(session: Session, grant: DeviceGrant, live: Live, *, now: datetime) -> None:
    """Let the device have tokens of who is signed in."""
    grant.status, grant.session_id = APPROVED, live.id
    grant.decided_by, grant.decided_at = live.proved.owner.name, now
    session.flush()


def deny(session: Session, grant: DeviceGrant, live: Live, *, now: datetime) -> None:
    grant.status, grant.decided_by, grant.decided_at = DENIED, live.proved.owner.name, now
    session.flush()


def enrol(session: Session, grant: DeviceGrant, *, store_id: UUID, name: str, actor: str, now: datetime) -> Terminal:
    """Put the till that shows a code into a store: from now on it signs itself in by the key that it proved.

    raises   NoTill; NotFound for an unknown store; PublicKeyTaken
    effects  an audit row; announces terminal.added
    """
    client = session.get_one(Client, grant.client_id)
    if client.kind != clients.TILL or grant.public_key is None:
        raise NoTill

    terminal = terminals.add_terminal(
        session, store_id=store_id, name=name, public_key=grant.public_key, enrolled_by=actor, now=now
    )
    grant.status, grant.terminal_id = APPROVED, terminal.id
    grant.decided_by, grant.decided_at = actor, now
    session.flush()

    audit.record(
        session,
        actor=actor,
        action="terminal.enrol",
        target=f"terminal:{terminal.id}",
        change={"store_id": str(store_id), "name": name},
        now=now,
    )
    return terminal
