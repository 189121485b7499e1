"""Syncing: what tills took offline is redeemed at the time when they took it, or it is said who bears it.

The rule (decision 0020): whoever did as the token says is paid. A voucher that does not hold any more is the brand's
loss within the terminal's allowance for that day. What the till could have seen itself, and what is beyond its
allowance, is the merchant's. A customer's money is never taken for it.

Each record is a transaction of its own, named by the till's reference; locks are taken in the order reference, token,
allowance, and then as a redemption takes them.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from auth import merchants
from core.db import Connection, connection_of, transaction
from core.errors import Busy, NotFound, Refusal
from core.events import announce
from core.idempotency import Answer, KeyReused
from rewards import refusals
from rewards.baskets import Basket, Line
from rewards.errors import RedemptionReferenceReused, VoucherUnknown
from rewards.offline import allowances, losses, records, tokens
from rewards.offline.errors import (
    OfflineAllowanceExceeded,
    OfflineBlocked,
    OfflineClockWrong,
    OfflineGivenAway,
    OfflineReferenceReused,
    OfflineSpentElsewhere,
    OfflineSyncedLate,
    OfflineTakenTwice,
    OfflineTermsChanged,
    OfflineTokenExpired,
    OfflineTokenUnknown,
    OfflineValueMissing,
    TerminalSuspended,
    TillFault,
)
from rewards.offline.records import Record, Synced
from rewards.offline.signing import Signer
from rewards.offline.tokens import Token
from rewards.redemption import redeeming
from rewards.redemption.recording import Redemption
from rewards.redemption.redeeming import Request
from wallet.paying import reversals
from wallet.paying.errors import PaymentReversed, TillReferenceReused
from wallet.paying.tills import Till

#: A till's clock may be so much ahead of ours.
AHEAD = timedelta(minutes=5)

#: And so much behind the one by which the token was given.
BEHIND = timedelta(minutes=2)

#: What stands between us and a till may hang up on it later. A record takes 6 ms of our time (measured), and a busy
#: database adds its own.
MOST_SECONDS = 20

_TRIES = 5


@dataclass(frozen=True, slots=True)
class Desk:
    """What records are decided by. late_after: so long after it took one a till may sync it"""

    signer: Signer
    late_after: timedelta


@dataclass(frozen=True, slots=True)
class _Used:
    """What the engine gave for a token, and why it is less than the till gave."""

    redemption: Redemption | None = None
    refusal: Refusal | None = None

    @property
    def minor(self) -> int:
        return self.redemption.amount_minor if self.redemption else 0


class _GivesMore(Exception):
    """The voucher takes more off now than the till did: it is not used for that."""


def sync_all(till: Till, batch: Sequence[Record], *, desk: Desk, now: datetime) -> list[Synced | Refusal]:
    """What each record came to, in their order; a refusal for one that is none, for the till to change or send again.

    After MOST_SECONDS the rest is told to be sent again.
    raises   TerminalSuspended
    effects  a transaction for each record
    """
    with transaction() as session:
        _refuse_suspended(session, till)
    ends = time.monotonic() + MOST_SECONDS
    return [_sync_one(record, desk=desk, now=now) if time.monotonic() < ends else Busy() for record in batch]


def _sync_one(record: Record, *, desk: Desk, now: datetime) -> Synced | Refusal:
    """With another try where a twin was at work."""
    busy: Refusal = Busy()
    for _ in range(_TRIES):
        try:
            with transaction() as session:
                return sync(session, record, desk=desk, now=now)
        except (Busy, KeyReused) as error:
            busy = error
        except Refusal as refusal:
            return refusal
    return busy if isinstance(busy, Busy) else OfflineReferenceReused()


def sync(session: Session, record: Record, *, desk: Desk, now: datetime) -> Synced:
    """Redeem what a till took, or decide who bears it; the same record again is the same answer.

    raises   OfflineReferenceReused for another record or another deed under the till's reference; Busy
    effects  uses the voucher at the time when the till took it, and pays what it lacks out of the brand's losses;
             announces offline_redemption.synced
    """
    connection, till = connection_of(session), record.till
    # The lock that reversals take, too: what they look for is there, or it comes after them and sees them.
    connection.execute(_LOCK, [str(till.terminal_id), record.till_reference])
    before = records.find(connection, till.terminal_id, record.till_reference)
    if before is not None:
        if before[1] != record.fingerprint:
            raise OfflineReferenceReused
        return replace(before[0], replayed=True)

    synced = _decide(session, record, desk=desk, now=now)
    records.insert(connection, record, synced)
    announce(session, synced.fact(till))
    return synced


def _decide(session: Session, record: Record, *, desk: Desk, now: datetime) -> Synced:
    connection = connection_of(session)
    bare = Synced(
        till_reference=record.till_reference,
        amount_minor=record.amount_minor,
        currency=record.currency,
        accepted_at=record.accepted_at,
        synced_at=now,
        state="conflict",
    )
    name = (record.till.terminal_id, record.till_reference)
    taken = reversals.refusals(connection, [name]).get(name)
    if isinstance(taken, PaymentReversed):
        return replace(bare, state="reversed", reversed_at=now)
    if taken is not None:
        raise OfflineReferenceReused
    try:
        token, customer_id = _read(connection, record, desk)
    except TillFault as fault:
        return replace(bare, code=fault.code, borne_by="merchant")
    known = replace(bare, token_id=token.id, voucher_id=token.voucher_id, customer_id=customer_id)
    try:
        _check(connection, record, token, desk, now=now)
    except TillFault as fault:
        return replace(known, code=fault.code, borne_by="merchant")
    return _settle(session, record, token, known)


def _read(connection: Connection, record: Record, desk: Desk) -> tuple[Token, UUID | None]:
    """The token, and whose it is, once it is sure that the phone has shown it that it names.

    raises  OfflineTokenForged; OfflineProofInvalid; OfflineProofStale
    """
    shown = tokens.read(record.scanned, desk.signer)
    given = records.lock_token(connection, shown.token.id)
    shown.check_proof(record.accepted_at)
    return shown.token, given[0] if given and given[1] == shown.token.claims else None


def _check(connection: Connection, record: Record, token: Token, desk: Desk, *, now: datetime) -> None:
    """What the till could see itself.

    raises  a TillFault
    """
    at = record.accepted_at
    if at > now + AHEAD or at < token.issued_at - BEHIND:
        raise OfflineClockWrong
    if at >= token.expires_at:
        raise OfflineTokenExpired
    if now - at > desk.late_after:
        raise OfflineSyncedLate
    token.terms.check(record.till, record.basket, currency=record.currency, amount_minor=record.amount_minor, at=at)
    if record.till.terminal_id in records.spent_at(connection, token.id):
        raise OfflineTakenTwice


def _settle(session: Session, record: Record, token: Token, known: Synced) -> Synced:
    """Use the voucher for what it still gives; the rest is the brand's within the allowance, else the merchant's."""
    connection, till = connection_of(session), record.till
    day = allowances.day_of(connection, till.store_id, record.accepted_at)
    is_allowed = allowances.take(
        connection, till.terminal_id, record.currency, day, record.amount_minor, at=record.accepted_at
    )
    used = _use(session, record, token, known.customer_id)
    found = replace(
        known,
        allowed_on=day if is_allowed else None,
        redeemed_minor=used.minor,
        redemption_id=used.redemption.id if used.redemption else None,
    )
    lacking = record.amount_minor - used.minor
    if not lacking:
        return replace(found, state="succeeded")
    cause = used.refusal or (OfflineValueMissing() if token.terms.is_gift_card else OfflineTermsChanged())
    if not is_allowed:
        return replace(found, code=OfflineAllowanceExceeded.code, cause=cause.code, borne_by="merchant")
    loss_id = losses.post(
        connection,
        till,
        till_reference=record.till_reference,
        voucher_id=token.voucher_id,
        amount_minor=lacking,
        currency=record.currency,
        is_alone=used.redemption is None,
        at=record.accepted_at,
    )
    return replace(found, code=cause.code, borne_by="brand", lost_minor=lacking, loss_id=loss_id)


def _use(session: Session, record: Record, token: Token, customer_id: UUID | None) -> _Used:
    """raises  OfflineReferenceReused; Busy and whatever else is no verdict on the voucher"""
    connection = connection_of(session)
    if customer_id is None:
        return _Used(refusal=OfflineTokenUnknown())
    if records.spent_at(connection, token.id):
        return _Used(refusal=OfflineSpentElsewhere())
    request = Request(
        till=record.till,
        reference=token.voucher_id,
        basket=_paid_by_card(record) if token.terms.is_gift_card else record.basket,
        currency=record.currency,
        till_reference=record.till_reference,
        customer_id=customer_id,
        fingerprint=record.fingerprint,
        is_proved=True,
    )
    try:
        with session.begin_nested():
            # The savepoint stands from the moment when its connection is asked for.
            made = redeeming.redeem(connection_of(session), request, at=record.accepted_at)
            assert not isinstance(made, Answer), "there is no key under which one would be kept"
            if made.amount_minor > record.amount_minor:
                raise _GivesMore
            return _Used(redemption=made)
    except _GivesMore:
        return _Used(refusal=OfflineTermsChanged())
    except (RedemptionReferenceReused, TillReferenceReused) as error:
        raise OfflineReferenceReused from error
    except VoucherUnknown as refusal:
        refusals.note(session, refusal, now=record.accepted_at)
        is_theirs = records.is_held_by(connection, token.voucher_id, customer_id)
        return _Used(refusal=OfflineBlocked() if is_theirs else OfflineGivenAway())
    except Refusal as refusal:
        if not refusal.is_final:
            raise
        refusals.note(session, refusal, now=record.accepted_at)
        return _Used(refusal=refusal)


def _paid_by_card(record: Record) -> Basket:
    """Of the basket only what the till let the card pay."""
    return Basket((Line(sku="offline", category="", quantity="1", amount_minor=record.amount_minor),))


def _refuse_suspended(session: Session, till: Till) -> None:
    try:
        is_active = merchants.till_of(session, till.terminal_id).is_active
    except NotFound:
        is_active = False
    if not is_active:
        raise TerminalSuspended


_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('till:' || %s || '/' || %s, 4))"
