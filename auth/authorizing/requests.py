"""Requests that wait: for somebody at the pages of their browser, or, pushed to us beforehand, for the browser."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from auth import opaque
from auth.authorizing.models import AuthorizationRequest
from core import crypto, ids

PAGE_TTL = timedelta(minutes=10)
PUSHED_TTL = timedelta(seconds=90)
URN = "urn:ietf:params:oauth:request_uri:"

_PARAMETERS, _PROGRESS = "auth.authorization_request.parameters", "auth.authorization_request.progress"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A request that waits, as it was sent.

    then      a path of ours, where somebody signs in for no client but to go on there; parameters are empty then
    progress  what its pages noted
    """

    id: UUID
    client_id: str
    parameters: Mapping[str, str]
    then: str | None
    progress: Mapping[str, Any]
    session_id: UUID | None
    has_consented: bool
    is_used: bool


def push(session: Session, *, client_id: str, parameters: Mapping[str, str], now: datetime) -> str:
    """Keep what a client pushes (RFC 9126); the `request_uri` that stands for it once, for ninety seconds."""
    told = {"given": dict(parameters)}
    return URN + _keep(session, "pushed", client_id=client_id, told=told, browser=None, ttl=PUSHED_TTL, now=now)


def take_pushed(session: Session, request_uri: str, *, client_id: str, now: datetime) -> Mapping[str, str] | None:
    """What was pushed, to the first who brings its address; None for what is unknown, another's, used or too old."""
    taken = (
        update(AuthorizationRequest)
        .where(
            AuthorizationRequest.handle == _kept(request_uri.removeprefix(URN)),
            AuthorizationRequest.kind == "pushed",
            AuthorizationRequest.client_id == client_id,
            AuthorizationRequest.used_at.is_(None),
            AuthorizationRequest.expires_at > now,
        )
        .values(used_at=now)
        .returning(AuthorizationRequest.id, AuthorizationRequest.parameters)
    )
    row = session.execute(taken.execution_options(synchronize_session=False)).one_or_none()
    return _opened(session, row.id, _PARAMETERS, row.parameters)["given"] if row is not None else None


def keep(
    session: Session,
    *,
    client_id: str,
    browser: str,
    now: datetime,
    parameters: Mapping[str, str] | None = None,
    then: str | None = None,
) -> str:
    """Keep a request while somebody signs in for it in one browser, for ten minutes; what its pages name it by."""
    told = {"given": dict(parameters or {}), "then": then}
    return _keep(session, "page", client_id=client_id, told=told, browser=browser, ttl=PAGE_TTL, now=now)


def stored(session: Session, handle: str, *, browser: str | None, now: datetime, lock: bool = False) -> Stored | None:
    """A request that waits in this browser; None for whatever is unknown, too old, or another browser's.

    lock  so that of two that come at once the second sees what the first did
    """
    query = select(AuthorizationRequest).where(
        AuthorizationRequest.handle == _kept(handle),
        AuthorizationRequest.browser == _kept_browser(browser or ""),
        AuthorizationRequest.expires_at > now,
    )
    row = session.scalar(query.with_for_update() if lock else query)
    if row is None:
        return None
    told = _opened(session, row.id, _PARAMETERS, row.parameters)
    return Stored(
        id=row.id,
        client_id=row.client_id,
        parameters=told["given"],
        then=told["then"],
        progress=_opened(session, row.id, _PROGRESS, row.progress) if row.progress else {},
        session_id=row.session_id,
        has_consented=row.consented_at is not None,
        is_used=row.used_at is not None,
    )


def note(session: Session, request: Stored, **progress: Any) -> None:
    """Remember where its pages stand; a value of None is forgotten."""
    told = {name: value for name, value in {**request.progress, **progress}.items() if value is not None}
    sealed = crypto.seal(
        session, owner_id=request.id, place=_PROGRESS, row_id=request.id, text=json.dumps(told, ensure_ascii=True)
    )
    _change(session, request, progress=sealed)


def sign_in(session: Session, request: Stored, session_id: UUID, *, now: datetime) -> None:
    """Note who signed in for it. What its pages knew of the way there is forgotten, and whoever said yes before."""
    _change(session, request, session_id=session_id, signed_in_at=now, progress=None, consented_at=None)


def consent(session: Session, request: Stored, *, now: datetime) -> None:
    _change(session, request, consented_at=now)


def use(session: Session, request: Stored, *, now: datetime) -> bool:
    """Whether this is the one time that it gets its answer."""
    used = (
        update(AuthorizationRequest)
        .where(AuthorizationRequest.id == request.id, AuthorizationRequest.used_at.is_(None))
        .values(used_at=now)
        .returning(AuthorizationRequest.id)
    )
    return session.execute(used.execution_options(synchronize_session=False)).one_or_none() is not None


def forget(session: Session, *, now: datetime, most: int) -> int:
    """Drop up to `most` requests that are over, and with their data keys what they held; returns how many."""
    over = select(AuthorizationRequest.id).where(AuthorizationRequest.expires_at <= now).limit(most)
    gone = session.scalars(
        delete(AuthorizationRequest).where(AuthorizationRequest.id.in_(over)).returning(AuthorizationRequest.id)
    ).all()
    for request_id in gone:
        crypto.destroy_data_key(session, request_id)
    return len(gone)


def _keep(
    session: Session,
    kind: str,
    *,
    client_id: str,
    told: Mapping[str, Any],
    browser: str | None,
    ttl: timedelta,
    now: datetime,
) -> str:
    handle, request_id = opaque.new(), ids.new()
    crypto.create_data_keys(session, [request_id])
    text = json.dumps(told, ensure_ascii=True)
    session.add(
        AuthorizationRequest(
            id=request_id,
            handle=_kept(handle),
            kind=kind,
            client_id=client_id,
            parameters=crypto.seal(session, owner_id=request_id, place=_PARAMETERS, row_id=request_id, text=text),
            browser=_kept_browser(browser) if browser is not None else None,
            created_at=now,
            expires_at=now + ttl,
        )
    )
    session.flush()
    return handle


def _change(session: Session, request: Stored, **columns: Any) -> None:
    changed = update(AuthorizationRequest).where(AuthorizationRequest.id == request.id).values(**columns)
    session.execute(changed.execution_options(synchronize_session=False))


def _opened(session: Session, request_id: UUID, place: str, ciphertext: bytes) -> dict[str, Any]:
    text = crypto.unseal(session, owner_id=request_id, place=place, row_id=request_id, ciphertext=ciphertext)
    opened: dict[str, Any] = json.loads(text)
    return opened


def _kept(handle: str) -> bytes:
    return opaque.kept("authorization_request", handle)


def _kept_browser(cookie: str) -> bytes:
    return opaque.kept("browser", cookie)
