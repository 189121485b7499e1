"""Who is signed in to a browser: one session a browser, told by its cookie, renewed by each sign-in."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from auth import customers, opaque, sessions
from auth.proofs import Proved
from auth.sessions import Begun, Live
from auth.sessions.beginning import CUSTOMER_ABSOLUTE, STAFF_ABSOLUTE
from auth.sessions.models import LoginSession


def living(session: Session, cookie: str | None, *, now: datetime) -> Live | None:
    """Who is signed in, if it is somebody who still may be."""
    live = sessions.by_handle(session, cookie, kind="web", now=now) if cookie else None
    if live is None:
        return None
    customer_id = live.proved.owner.customer_id
    if customer_id is not None and not customers.is_active(session, customer_id, is_held=True):
        return None
    return live


def renewed(
    session: Session,
    proved: Proved,
    *,
    cookie: str | None,
    client_id: str,
    address: str | None,
    agent: str | None,
    now: datetime,
) -> Begun:
    """The session of a browser in which somebody has just signed in, under a new handle: a cookie that somebody knew
    before is worth nothing after (session fixation).

    Who signs in once more goes on with the session that they have, so that no partner hears of a sign-out. Who takes
    another's place ends the other's session.
    """
    before = sessions.by_handle(session, cookie, kind="web", now=now) if cookie else None
    if before is not None and before.proved.owner == proved.owner:
        handle = opaque.new()
        absolute = CUSTOMER_ABSOLUTE if proved.owner.customer_id else STAFF_ABSOLUTE
        is_living = LoginSession.id == before.id, LoginSession.ended_at.is_(None)  # it may have ended just now
        changed = update(LoginSession).where(*is_living).returning(LoginSession.id).values(
            handle=opaque.kept("session", handle), auth_time=proved.auth_time, acr=proved.acr, amr=list(proved.amr),
            seen_at=now, expires_at=now + absolute,
        )  # fmt: skip
        if session.execute(changed.execution_options(synchronize_session=False)).first() is not None:
            return Begun(id=before.id, handle=handle)
    elif before is not None:
        sessions.end(session, before.id, because="replaced", now=now)
    return sessions.begin(
        session, proved=proved, kind="web", client_id=client_id, address=address, agent=agent, now=now
    )
