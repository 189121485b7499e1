"""What Apple has to be asked, made after the transaction that wants it: never while anything is locked."""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from auth.federated import providers
from auth.federated.models import CALLING, EXCHANGE, FAILED, REVOKE, WAITING, Identity, ProviderCall
from core import crypto, ids, work
from core.db import transaction
from core.gateways import http
from core.gateways.apple import Apple, Exchanged, Revoked
from core.gateways.outcomes import Refused, Retry, Unknown

log = logging.getLogger("auth.federated")

LINE = "auth.provider_calls"
_BATCH = 10
#: Three times what a call may take, for each of a batch.
_LEASE = timedelta(seconds=6 * http.TIMEOUT_SECONDS * _BATCH)

#: When the next try is, after so many. A code is good for five minutes; a revocation is owed for as long as it takes.
_AGAIN = {
    EXCHANGE: [timedelta(seconds=seconds) for seconds in (5, 15, 30, 60, 120)],
    REVOKE: [timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 360)] + [timedelta(days=1)] * 14,
}


@dataclass(frozen=True, slots=True)
class _Call:
    id: UUID
    kind: str
    client_id: str
    identity_id: UUID | None
    attempts: int
    secret: str = field(repr=False)


def exchange_later(session: Session, identity: Identity, code: str, *, now: datetime) -> None:
    """Have Apple's token for this identity fetched once this is committed, where the brand has a key to ask with."""
    if providers.apple_gateway() is not None and identity.provider == "apple":
        _enqueue(session, EXCHANGE, identity.client_id, code, identity_id=identity.id, now=now)


def revoke_later(session: Session, identity: Identity, *, now: datetime) -> None:
    """Have Apple's token revoked once this is committed, where we have one."""
    if identity.grant_token is not None:
        _enqueue(session, REVOKE, identity.client_id, _token_of(session, identity), now=now)


def call_due(now: datetime) -> int:
    """Make the calls that are due, and those whose worker died; says how many."""
    apple = providers.apple_gateway()
    if apple is None:
        return 0
    with transaction() as session:
        for lost in work.lost_leases(session, ProviderCall, leased=CALLING, limit=_BATCH, now=now):
            lost.state, lost.due_at, lost.lease_token, lost.lease_until = WAITING, now, None, None
    with transaction() as session:
        token, rows = work.claim(
            session, ProviderCall, waiting=WAITING, leased=CALLING, limit=_BATCH, lease=_LEASE, now=now
        )
        calls = [_call_of(session, row) for row in rows]
    for call in calls:
        with transaction() as session:
            if not work.still_holds(session, ProviderCall, call.id, token, now=now):
                continue
        outcome = _made(apple, call, now)
        with transaction() as session:
            _record(session, call, token, outcome, now)
    return len(calls)


_Outcome = Exchanged | Revoked | Refused | Retry | Unknown


def _made(apple: Apple, call: _Call, now: datetime) -> _Outcome:
    if call.kind == EXCHANGE:
        return apple.exchange(call.secret, client_id=call.client_id, now=now)
    return apple.revoke(call.secret, client_id=call.client_id, now=now)


def _record(session: Session, call: _Call, token: UUID, outcome: _Outcome, now: datetime) -> None:
    again = _AGAIN[call.kind]
    match outcome:
        case Exchanged(refresh_token):
            if _settled(session, call, token):
                _keep(session, call, refresh_token, now)
            return
        case Revoked():
            _settled(session, call, token)
            return
        case Refused(code, permanent=True):
            # Of a code that lapsed, or a token that Apple knows no more, nothing can come.
            log.warning("Apple refused", extra={"call": call.kind, "error_code": code})
            _settled(session, call, token)
            return
        case Refused(code) | Retry(code):
            reason = code
        case Unknown(reason):
            pass
    if call.attempts <= len(again):
        due_at = now + again[call.attempts - 1]
        work.settle(session, ProviderCall, call.id, token, state=WAITING, due_at=due_at, last_error=reason)
    elif call.kind == EXCHANGE:
        _settled(session, call, token)
    else:
        log.error("Apple was not told of a link that ended", extra={"call_id": str(call.id), "error_code": reason})
        work.settle(session, ProviderCall, call.id, token, state=FAILED, due_at=None, last_error=reason)


def _keep(session: Session, call: _Call, refresh_token: str, now: datetime) -> None:
    """Keep Apple's token with its identity, or have it revoked where that is gone meanwhile."""
    identity = session.get(Identity, call.identity_id, with_for_update=True)
    if identity is None:
        _enqueue(session, REVOKE, call.client_id, refresh_token, now=now)
        return
    identity.grant_token = crypto.seal(
        session,
        owner_id=identity.customer_id,
        place="auth.identity.grant_token",
        row_id=identity.id,
        text=refresh_token,
    )


def _settled(session: Session, call: _Call, token: UUID) -> bool:
    """Drop the call and the key of its secret; False where its lease was lost."""
    if not work.settle(session, ProviderCall, call.id, token, state=WAITING):
        return False
    session.delete(session.get_one(ProviderCall, call.id))
    crypto.destroy_data_key(session, call.id)
    return True


def _enqueue(
    session: Session, kind: str, client_id: str, secret: str, *, identity_id: UUID | None = None, now: datetime
) -> None:
    call_id = ids.new()
    crypto.create_data_keys(session, [call_id])
    sealed = crypto.seal(session, owner_id=call_id, place="auth.provider_call.secret", row_id=call_id, text=secret)
    session.add(
        ProviderCall(
            id=call_id,
            kind=kind,
            client_id=client_id,
            identity_id=identity_id,
            secret=sealed,
            made_at=now,
            state=WAITING,
            due_at=now,
            attempts=0,
        )
    )
    work.nudge_after(session, LINE)


def _call_of(session: Session, row: ProviderCall) -> _Call:
    secret = crypto.unseal(
        session, owner_id=row.id, place="auth.provider_call.secret", row_id=row.id, ciphertext=row.secret
    )
    return _Call(row.id, row.kind, row.client_id, row.identity_id, row.attempts, secret)


def _token_of(session: Session, identity: Identity) -> str:
    assert identity.grant_token is not None
    return crypto.unseal(
        session,
        owner_id=identity.customer_id,
        place="auth.identity.grant_token",
        row_id=identity.id,
        ciphertext=identity.grant_token,
    )
