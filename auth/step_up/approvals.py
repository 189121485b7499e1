"""Approvals: a customer's passkey says yes to one payment, which uses that up in the ledger's own transaction."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from auth.errors import ApprovalLapsed, ApprovalMismatch, ApprovalNotGiven, ApprovalSpent
from auth.passkeys import asserting, listing, registering
from auth.passkeys.errors import PasskeyNeeded, PasskeyRefused, PasskeyYoung
from auth.passkeys.models import Passkey
from auth.proofs import Owner
from auth.step_up import binding
from auth.step_up.events import StepUpApproved, StepUpAsked, StepUpUsed, StepUpVoided
from auth.step_up.models import APPROVED, USED, VOID, WAITING, StepUp
from core import ids
from core.db import connection_of
from core.errors import NotFound, Refusal
from core.events import announce

#: To look at the amount, to find one's finger, and to pay.
LASTS = timedelta(seconds=120)
MOST_TRIES = 5


def ask(
    session: Session,
    *,
    customer_id: UUID,
    family_id: UUID | None,
    purpose: str,
    amount_minor: int,
    currency: str,
    payee: str,
    now: datetime,
) -> StepUp:
    """Begin an approval, to be given by one of the customer's passkeys within two minutes.

    units    amount_minor: all that will leave, with the tip
    payee    as `binding` spells it
    raises   PasskeyNeeded; PasskeyYoung while none of them may approve yet
    effects  announces step_up.asked
    """
    passkeys_of(session, customer_id, now=now)
    approval = StepUp(
        id=ids.new(),
        customer_id=customer_id,
        family_id=family_id,
        payment_id=ids.new(),
        purpose=purpose,
        amount_minor=amount_minor,
        currency=currency,
        payee=payee,
        nonce=secrets.token_bytes(32),
        status=WAITING,
        asked_at=now,
        expires_at=now + LASTS,
    )
    session.add(approval)
    session.flush()

    announce(
        session,
        StepUpAsked(
            customer_id=customer_id, occurred_at=now, approval_id=approval.id, purpose=purpose,
            amount_minor=amount_minor, currency=currency,
        ),
    )  # fmt: skip
    return approval


def prove(
    session: Session, approval_id: UUID, credential: object, *, customer_id: UUID, family_id: UUID | None, now: datetime
) -> StepUp | Refusal:
    """Give an approval by a passkey that has signed its challenge. Its row stays locked until the transaction ends.

    family_id  of the sign-in that asked: another one of the same customer cannot prove for it
    returns    the approval; or the refusal, to be raised once what it counted is committed: PasskeyRefused (the fifth
               voids the approval), PasskeyYoung
    raises     NotFound, also for another's; ApprovalSpent; ApprovalMismatch once it is void; ApprovalLapsed
    effects    announces step_up.approved or step_up.voided
    """
    approval = _locked(session, approval_id, customer_id)
    if approval.family_id != family_id:
        raise NotFound
    if approval.status == APPROVED:
        return approval
    _check_open(approval, now=now)

    asserted = asserting.check(
        session, credential, challenge=challenge_of(approval), owner=Owner(customer_id=customer_id), now=now
    )
    if asserted is None:
        return _counted(session, approval, now=now)
    if listing.is_young(asserted.passkey, now):
        return PasskeyYoung(approves_from=asserted.passkey.approves_from.isoformat())

    approval.status, approval.approved_at, approval.passkey_id = APPROVED, now, asserted.passkey.id
    session.flush()

    announce(
        session,
        StepUpApproved(
            customer_id=customer_id, occurred_at=now, approval_id=approval_id, passkey_id=asserted.passkey.id
        ),
    )
    return approval


def consume(
    session: Session,
    approval_id: UUID | None,
    *,
    customer_id: UUID,
    purpose: str,
    amount_minor: int,
    currency: str,
    payee: str,
    now: datetime,
) -> UUID | None:
    """Use an approval up in the transaction of the payment that it is for, which the ledger then lets pass.

    returns  what the payment has to be called; None where no approval was sent
    raises   NotFound, also for another's; ApprovalMismatch where anything is another than was approved (the approval
             has to be voided once this transaction is rolled back: `voiding`); ApprovalSpent; ApprovalLapsed;
             ApprovalNotGiven, also where the passkey that gave it was removed
    effects  announces step_up.used
    """
    if approval_id is None:
        return None
    bound = [customer_id, purpose, amount_minor, currency, payee]
    row = connection_of(session).execute(_CONSUME, [now, approval_id, *bound, now]).fetchone()
    if row is None:
        approval = _locked(session, approval_id, customer_id)
        if [approval.customer_id, approval.purpose, approval.amount_minor, approval.currency, approval.payee] != bound:
            raise ApprovalMismatch
        _check_open(approval, now=now)
        raise ApprovalNotGiven
    payment_id: UUID = row[0]

    announce(
        session,
        StepUpUsed(customer_id=customer_id, occurred_at=now, approval_id=approval_id, payment_id=payment_id),
    )
    return payment_id


def voiding(approval_id: UUID | None, *, customer_id: UUID, now: datetime) -> Callable[[Session, Refusal], None]:
    """What has to be written where a payment was refused: what was used for something else works no more."""

    def void(session: Session, refusal: Refusal) -> None:
        if approval_id is None or not isinstance(refusal, ApprovalMismatch):
            return
        voided = (
            update(StepUp)
            .where(StepUp.id == approval_id, StepUp.customer_id == customer_id, StepUp.status.in_((WAITING, APPROVED)))
            .values(status=VOID)
            .returning(StepUp.id)
        )
        if session.scalar(voided) is not None:
            _announce_void(session, customer_id, approval_id, "mismatch", now=now)

    return void


def find(session: Session, approval_id: UUID, *, customer_id: UUID) -> StepUp:
    """raises  NotFound, also for another's"""
    approval = session.get(StepUp, approval_id)
    if approval is None or approval.customer_id != customer_id:
        raise NotFound
    return approval


def passkeys_of(session: Session, customer_id: UUID, *, now: datetime) -> list[Passkey]:
    """By which the customer may approve now.

    raises  PasskeyNeeded; PasskeyYoung while none of them may yet
    """
    known = registering.of(session, Owner(customer_id=customer_id))
    if not known:
        raise PasskeyNeeded
    grown = [passkey for passkey in known if not listing.is_young(passkey, now)]
    if not grown:
        raise PasskeyYoung(approves_from=min(passkey.approves_from for passkey in known).isoformat())
    return grown


def challenge_of(approval: StepUp) -> bytes:
    return binding.challenge_of(
        payment_id=approval.payment_id,
        amount_minor=approval.amount_minor,
        currency=approval.currency,
        payee=approval.payee,
        nonce=approval.nonce,
    )


def forget(session: Session, *, now: datetime, most: int) -> int:
    """Drop approvals that ended a day ago; how many. What was paid by one is told by its event and the payment."""
    over = select(StepUp.id).where(StepUp.expires_at <= now - timedelta(days=1)).limit(most)
    return len(session.execute(delete(StepUp).where(StepUp.id.in_(over)).returning(StepUp.id)).all())


def _counted(session: Session, approval: StepUp, *, now: datetime) -> PasskeyRefused:
    approval.tries += 1
    left = MOST_TRIES - approval.tries
    if left == 0:
        approval.status = VOID
        _announce_void(session, approval.customer_id, approval.id, "tries", now=now)
    session.flush()
    return PasskeyRefused(tries_left=left)


def _check_open(approval: StepUp, *, now: datetime) -> None:
    if approval.status == USED:
        raise ApprovalSpent
    if approval.status == VOID:
        raise ApprovalMismatch("This approval was voided; ask for another one")
    if now >= approval.expires_at:
        raise ApprovalLapsed


def _locked(session: Session, approval_id: UUID, customer_id: UUID) -> StepUp:
    approval = session.get(StepUp, approval_id, with_for_update=True, populate_existing=True)
    if approval is None or approval.customer_id != customer_id:
        raise NotFound
    return approval


def _announce_void(session: Session, customer_id: UUID, approval_id: UUID, reason: str, *, now: datetime) -> None:
    announce(session, StepUpVoided(customer_id=customer_id, occurred_at=now, approval_id=approval_id, reason=reason))


# The posting function looks for the setting, which goes with the transaction, before it lets more pass than the limit.
_CONSUME = """
    UPDATE auth.step_up SET status = 'used', used_at = %s
     WHERE id = %s AND customer_id = %s AND purpose = %s AND amount_minor = %s AND currency = %s AND payee = %s
       AND status = 'approved' AND expires_at > %s
       AND EXISTS (SELECT FROM auth.passkey WHERE passkey.id = step_up.passkey_id)
    RETURNING payment_id, set_config('wallet.step_up', concat_ws('|', customer_id, currency, amount_minor), true)
"""
