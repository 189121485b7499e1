"""Telling partners that a sign-in is over (OpenID Connect Back-Channel Logout 1.0).

A notice is written in the transaction that ends the session, and told afterwards by a worker: five times at most, each
with a fresh token. What a partner's server answers to it counts by its status alone.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth import tokens
from auth.authorizing.models import LogoutNotice
from auth.keys import ring
from auth.oauth import clients, pairwise
from auth.oauth.clients import Client
from auth.oauth.models import Client as ClientRow
from auth.oauth.models import TokenFamily
from auth.proofs import Owner
from core import clock, ids, work
from core.db import transaction
from core.gateways import webhooks
from core.gateways.webhooks import Answered, Unreachable, Unsafe

_EVENT = "http://schemas.openid.net/event/backchannel-logout"

#: How long a token is good for: for as long as a call takes, and clocks that differ.
_TTL_SECONDS = 120

#: When the next try is, after so many.
_AGAIN = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1))
_NOT_FINAL = frozenset((408, 425, 429))
_AT_ONCE = 4
_LEASE = timedelta(seconds=60)
_KEPT = timedelta(days=30)


def announce(session: Session, session_id: UUID, now: datetime) -> None:
    """Let each client that hangs from this session, and wants to hear of its end, be told. For wiring's endings."""
    living = (
        select(TokenFamily, ClientRow)
        .join(ClientRow, ClientRow.client_id == TokenFamily.client_id)
        .where(
            TokenFamily.session_id == session_id,
            TokenFamily.revoked_at.is_(None),
            ClientRow.back_channel_uri.is_not(None),
        )
    )
    rows = [
        {
            "id": ids.new(),
            "session_id": session_id,
            "family_id": family.id,
            "client_id": row.client_id,
            "subject": pairwise.sub_of(clients.of_row(row), _owner_of(family)),
            "state": "waiting",
            "due_at": now,
        }
        for family, row in session.execute(living)
    ]
    if rows:
        session.execute(insert(LogoutNotice).on_conflict_do_nothing(), rows)


def tell_due(now: datetime, *, may_be_local: bool) -> int:
    """Tell the partners whose turn it is; says how many. may_be_local: as for `webhooks.post`"""
    with transaction() as session:
        token, rows = work.claim(
            session, LogoutNotice, waiting="waiting", leased="calling", limit=_AT_ONCE, lease=_LEASE, now=now
        )
    if not rows:
        return 0
    known = [clients.find(row.client_id) for row in rows]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        told = pool.map(lambda pair: _tell(*pair, may_be_local=may_be_local), zip(rows, known, strict=True))
        answers: Sequence[Answered | Unreachable | None] = list(told)
    with transaction() as session:
        for row, answer in zip(rows, answers, strict=True):
            work.settle(session, LogoutNotice, row.id, token, **_outcome(answer, row.attempts, now=now))
    return len(rows)


def recover_lost(now: datetime) -> int:
    """Notices whose worker died are told again: a partner that is signed out already has nothing left to end."""
    with transaction() as session:
        rows = work.lost_leases(session, LogoutNotice, leased="calling", limit=100, now=now)
        for row in rows:
            again = row.attempts <= len(_AGAIN)
            row.state, row.due_at = ("waiting", now) if again else ("failed", None)
            row.lease_token = row.lease_until = None
            row.last_error = row.last_error if again else "lost with its worker"
        return len(rows)


def logout_token(client: Client, *, subject: str, sid: UUID, now: datetime) -> str:
    """What a partner checks: that we say that this sign-in of this customer is over. It has no nonce, so that it is
    never taken for an id token."""
    issued = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": tokens.issuer(),
        "aud": client.client_id,
        "iat": issued,
        "exp": issued + _TTL_SECONDS,
        "jti": str(uuid4()),
        "sub": subject,
        "sid": str(sid),
        "events": {_EVENT: {}},
    }
    return ring.sign(claims, typ="logout+jwt", alg=client.id_token_alg)


def forget(session: Session, *, now: datetime, most: int) -> int:
    """Drop up to `most` notices that were told, or given up, a month ago; returns how many."""
    over = select(LogoutNotice.id).where(
        LogoutNotice.id < ids.least_at(now - _KEPT), LogoutNotice.state.in_(("done", "failed"))
    )
    gone = delete(LogoutNotice).where(LogoutNotice.id.in_(over.limit(most))).returning(LogoutNotice.id)
    return len(session.scalars(gone).all())


def _owner_of(family: TokenFamily) -> UUID:
    return Owner(customer_id=family.customer_id, staff_id=family.staff_id).id


def _tell(row: LogoutNotice, client: Client | None, *, may_be_local: bool) -> Answered | Unreachable | None:
    """None: it may not be told, or has nobody to be told to any more."""
    if client is None or client.back_channel_uri is None:
        return None
    sid = row.session_id if client.is_first_party else row.family_id
    token = logout_token(client, subject=row.subject, sid=sid, now=clock.now())
    headers = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "Pocketful"}
    try:
        body = urlencode({"logout_token": token}).encode()
        return webhooks.post(client.back_channel_uri, body, headers, may_be_local=may_be_local)
    except Unsafe:
        return None


def _outcome(answer: Answered | Unreachable | None, attempts: int, *, now: datetime) -> dict[str, Any]:
    """The columns that tell how a call went. attempts: with this one"""
    status = answer.status if isinstance(answer, Answered) else None
    if status is not None and 200 <= status < 300:
        return {"state": "done", "due_at": None, "last_error": None}
    error = f"answered {status}" if status else answer.reason if isinstance(answer, Unreachable) else "unsafe"
    is_final = answer is None or (status is not None and status < 500 and status not in _NOT_FINAL)
    if is_final or attempts > len(_AGAIN):
        return {"state": "failed", "due_at": None, "last_error": error}
    return {"state": "waiting", "due_at": now + _AGAIN[attempts - 1], "last_error": error}
