"""Registering clients: who may sign customers or staff in, and how far each may go.

Each deed leaves a row in the audit log, and is known in every process within seconds.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from auth.models import ACTIVE
from auth.oauth import authenticating, checking, clients
from auth.oauth.errors import ClientInvalid
from auth.oauth.events import ClientAdded, ClientChanged
from auth.oauth.models import Client as ClientRow
from auth.tokens import revocations
from core import audit
from core.db import after_commit
from core.errors import NotFound
from core.events import announce

#: How long the former secret works beside a new one, so that a partner changes over without a gap.
FORMER_FOR = timedelta(days=7)

_AUDIENCES = {clients.APP: "app", clients.PARTNER: "partner", clients.STAFF: "admin"}
#: Lists that are told in the audit log and in answers in the order in which they were given.
CHANGEABLE = (
    "name", "key_set", "redirect_uris", "logout_uris", "back_channel_uri", "grant_types", "scopes", "needs_par", "dpop",
    "id_token_alg",
)  # fmt: skip


def add(
    session: Session, *, given: Mapping[str, Any], made_by: str, may_be_local: bool, now: datetime
) -> tuple[ClientRow, str | None]:
    """A new client, and its secret where it has one: told now and never again.

    given         what the staff's schema takes: name, kind, and what else is not as usual
    may_be_local  in development and tests: addresses on this machine
    raises        ClientInvalid, ClientIdTaken
    effects       announces client.added
    """
    values = {"auth_method": clients.NO_SECRET, **given}
    client_id = values.pop("client_id", None) or secrets.token_hex(10)
    if _is_uuid(client_id):
        raise ClientInvalid(errors=[{"pointer": "/client_id", "detail": "A till's id is a UUID, another's is not."}])
    secret = _new_secret(values["auth_method"])
    row = ClientRow(
        client_id=client_id,
        audience=_AUDIENCES[values["kind"]],
        secret=authenticating.kept_secret(client_id, secret) if secret else None,
        made_by=made_by,
        made_at=now,
        **values,
    )
    _fill(row)
    checking.check(clients.of_row(row), may_be_local=may_be_local)

    session.add(row)
    session.flush()
    audit.record(session, actor=made_by, action="client.add", target=f"client:{client_id}", change=_told(row), now=now)

    announce(session, ClientAdded(occurred_at=now, client_id=client_id, kind=row.kind))
    return row, secret


def change(
    session: Session, client_id: str, *, changes: Mapping[str, Any], by: str, may_be_local: bool, now: datetime
) -> ClientRow:
    """Change what is named.

    raises   NotFound, ClientInvalid
    effects  announces client.changed where anything is another than it was
    """
    row = _locked(session, client_id)
    before = {name: getattr(row, name) for name in CHANGEABLE}
    for name in CHANGEABLE:
        setattr(row, name, changes.get(name, before[name]))
    checking.check(clients.of_row(row), may_be_local=may_be_local)

    changed = {
        name: {"from": old, "to": getattr(row, name)} for name, old in before.items() if old != getattr(row, name)
    }
    if changed:
        _tell(session, row, "client.change", changed, by=by, now=now)
    return row


def renew_secret(session: Session, client_id: str, *, by: str, now: datetime) -> tuple[ClientRow, str]:
    """Another secret, told now and never again; the former one works for a week more.

    raises   NotFound; ClientInvalid for a client that has none
    effects  announces client.changed
    """
    row = _locked(session, client_id)
    secret = _new_secret(row.auth_method)
    if secret is None:
        raise ClientInvalid(errors=[{"pointer": "/client_id", "detail": "This client has no secret."}])

    row.former_secret, row.former_until = row.secret, now + FORMER_FOR
    row.secret = authenticating.kept_secret(client_id, secret)
    _tell(session, row, "client.secret", {"secret": "renewed"}, by=by, now=now)
    return row, secret


def set_status(session: Session, client_id: str, status: str, *, by: str, now: datetime) -> ClientRow:
    """Suspend a client: it gets no more tokens, and those that are out are refused within a second. Once it is active
    again its customers go on where they were.

    raises   NotFound; ClientInvalid for the last by which staff come in: nobody could let it in again
    effects  announces client.changed
    """
    row = _locked(session, client_id)
    if row.status == status:
        return row
    if status != ACTIVE and row.kind == clients.STAFF and not _are_others_for_staff(session, row):
        raise ClientInvalid(errors=[{"pointer": "/status", "detail": "Staff come in by no other client."}])

    row.status = status
    if status != ACTIVE:
        revocations.add(session, f"client:{client_id}", now=now)
    _tell(session, row, "client.status", {"status": status}, by=by, now=now)
    return row


def find(session: Session, client_id: str) -> ClientRow:
    """raises  NotFound"""
    row = session.get(ClientRow, client_id)
    if row is None:
        raise NotFound
    return row


def page(session: Session, *, after: str | None, limit: int) -> list[ClientRow]:
    """In the order of their ids."""
    query = select(ClientRow).order_by(ClientRow.client_id).limit(limit)
    return list(session.scalars(query if after is None else query.where(ClientRow.client_id > after)))


def shown(row: ClientRow) -> dict[str, Any]:
    """Everything but secrets."""
    names = (
        "client_id", "name", "kind", "audience", "auth_method", "key_set", "redirect_uris", "logout_uris",
        "back_channel_uri", "grant_types", "scopes", "sector", "sso_group", "needs_par", "dpop", "id_token_alg",
        "status", "made_by", "made_at", "former_until",
    )  # fmt: skip
    return {name: getattr(row, name) for name in names}


def _fill(row: ClientRow) -> None:
    """What follows from the rest where it was not said."""
    partners = row.kind == clients.PARTNER
    row.grant_types = row.grant_types or ["authorization_code", "refresh_token"]
    row.scopes = row.scopes or ["openid"]
    for name, usual in (("redirect_uris", []), ("logout_uris", []), ("needs_par", False), ("dpop", "no")):
        if getattr(row, name) is None:
            setattr(row, name, usual)
    row.id_token_alg, row.status = row.id_token_alg or "ES256", ACTIVE
    if partners and row.sector is None:
        # Kept from the first day: were it worked out anew, another redirect URI would give its customers other names.
        row.sector = checking.host_of_all(row.redirect_uris)


def _are_others_for_staff(session: Session, row: ClientRow) -> bool:
    others = ClientRow.kind == clients.STAFF, ClientRow.status == ACTIVE, ClientRow.client_id != row.client_id
    return bool(session.scalar(select(func.count()).where(*others)))


def _locked(session: Session, client_id: str) -> ClientRow:
    row = session.get(ClientRow, client_id, with_for_update=True)
    if row is None:
        raise NotFound
    return row


def _tell(session: Session, row: ClientRow, action: str, change: dict[str, Any], *, by: str, now: datetime) -> None:
    audit.record(session, actor=by, action=action, target=f"client:{row.client_id}", change=change, now=now)
    after_commit(session, "clients", clients.forget_known)

    announce(session, ClientChanged(occurred_at=now, client_id=row.client_id, fields=sorted(change)))


def _told(row: ClientRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in (*CHANGEABLE, "kind", "auth_method", "sector", "sso_group")}


def _new_secret(auth_method: str) -> str | None:
    return secrets.token_urlsafe(32) if auth_method in (clients.BASIC, clients.POST) else None


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
