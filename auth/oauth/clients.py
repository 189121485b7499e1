"""Clients: who may ask for tokens, as each process knows them for some seconds."""

import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from jwt.algorithms import ECAlgorithm, OKPAlgorithm
from sqlalchemy.orm import Session

from auth import merchants
from auth.models import ACTIVE, Terminal
from auth.oauth.models import Client as ClientRow
from auth.tokens import revocations
from core.db import transaction
from core.errors import NotFound

APP, PARTNER, STAFF, TILL = "app", "partner", "staff", "till"
NO_SECRET, BASIC, POST, PRIVATE_KEY = "none", "client_secret_basic", "client_secret_post", "private_key_jwt"

_SHAPE = re.compile(r"[A-Za-z0-9._-]{1,100}\Z")
#: What is revoked works no more at once all the same: its tokens are held against `auth.revocation`.
_KEPT_SECONDS = 5.0
_MOST_KEPT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A client as it is known here: a row of `auth.client`, or a till by its terminal's id.

    secret, former_secret   HMACs; the former one works until `former_until`
    """

    client_id: str
    name: str
    kind: str
    audience: str
    auth_method: str = NO_SECRET
    secret: bytes | None = None
    former_secret: bytes | None = None
    former_until: datetime | None = None
    key_set: Mapping[str, Any] | None = None
    redirect_uris: tuple[str, ...] = ()
    logout_uris: tuple[str, ...] = ()
    back_channel_uri: str | None = None
    grant_types: frozenset[str] = frozenset()
    scopes: tuple[str, ...] = ()
    sector: str | None = None
    sso_group: str | None = None
    needs_par: bool = False
    dpop: str = "no"
    id_token_alg: str = "ES256"  # noqa: S105  # an algorithm
    is_active: bool = True

    @property
    def is_first_party(self) -> bool:
        return self.kind != PARTNER

    @property
    def is_confidential(self) -> bool:
        return self.auth_method != NO_SECRET

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.grant_types


#: Until when a client is taken as it was read, what was known then of its revocation, and the client.
_kept: dict[str, tuple[float, int | None, Client]] = {}
_lock = threading.Lock()


def find(client_id: str) -> Client | None:
    """The client of this id, suspended ones too; what is told may be five seconds old, but not that it is suspended
    (once this process has looked what is revoked). Reads in a transaction of its own."""
    found, revoked = _kept.get(client_id), revocations.latest(f"client:{client_id}")
    if found is not None and time.monotonic() < found[0] and revoked == found[1]:
        return found[2]
    if not _SHAPE.match(client_id):
        return None
    with transaction() as session:
        row = session.get(ClientRow, client_id)
        client = of_row(row) if row is not None else _till(session, client_id)
    if client is not None:
        with _lock:
            if len(_kept) >= _MOST_KEPT:
                _kept.clear()
            _kept[client_id] = (time.monotonic() + _KEPT_SECONDS, revoked, client)
    return client


def forget_known() -> None:
    """Read clients anew: one of them was changed here."""
    with _lock:
        _kept.clear()


def of_row(row: ClientRow) -> Client:
    return Client(
        client_id=row.client_id,
        name=row.name,
        kind=row.kind,
        audience=row.audience,
        auth_method=row.auth_method,
        secret=row.secret,
        former_secret=row.former_secret,
        former_until=row.former_until,
        key_set=row.key_set,
        redirect_uris=tuple(row.redirect_uris),
        logout_uris=tuple(row.logout_uris),
        back_channel_uri=row.back_channel_uri,
        grant_types=frozenset(row.grant_types),
        scopes=tuple(row.scopes),
        sector=row.sector,
        sso_group=row.sso_group,
        needs_par=row.needs_par,
        dpop=row.dpop,
        id_token_alg=row.id_token_alg,
        is_active=row.status == ACTIVE,
    )


def _till(session: Session, client_id: str) -> Client | None:
    """An enrolled till: it signs what it asks with its terminal's key."""
    try:
        terminal_id = UUID(client_id)
        till = merchants.till_of(session, terminal_id)
    except (ValueError, NotFound):
        return None
    if str(terminal_id) != client_id:
        return None
    terminal = session.get_one(Terminal, terminal_id)
    return Client(
        client_id=client_id,
        name=terminal.name,
        kind=TILL,
        audience="merchant",
        auth_method=PRIVATE_KEY,
        key_set={"keys": [_jwk(terminal.public_key)]},
        grant_types=frozenset({"client_credentials"}),
        is_active=till.is_active,
    )


def _jwk(pem: str) -> dict[str, Any]:
    key = serialization.load_pem_public_key(pem.encode())
    if isinstance(key, ec.EllipticCurvePublicKey):
        return {**ECAlgorithm.to_jwk(key, as_dict=True), "alg": "ES256"}
    if isinstance(key, ed25519.Ed25519PublicKey):
        return {**OKPAlgorithm.to_jwk(key, as_dict=True), "alg": "EdDSA"}
    raise ValueError("a terminal's key is P-256 or Ed25519")
