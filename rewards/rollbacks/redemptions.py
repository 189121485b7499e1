"""Rolling back redemptions by themselves: at the till within minutes, or later by a merchant or by staff."""

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from core import audit, ids
from core.db import Connection, connection_of
from core.errors import NotFound
from rewards.offline import losses
from rewards.rollbacks import cards, redeemed, rows
from rewards.rollbacks.errors import RedemptionInCheckout, RollbackExceedsRedemption, RolledBackAlready, VoidTooLate
from rewards.rollbacks.redeemed import Back, Redeemed
from rewards.rollbacks.rows import Deed, Kind, Rollback
from wallet import accounts, ledger, refunds
from wallet.paying.tills import Till
from wallet.transfers import Leg, Transfer

#: Time to see the mistake while the customer stands there; later the merchant decides on a rollback.
VOIDABLE = timedelta(minutes=15)


def roll_back(
    session: Session, redemption_id: UUID, amount_minor: int | None, deed: Deed, *, merchant_id: UUID | None
) -> Rollback:
    """Give back what a voucher gave, or a part of it; with the last of it the voucher's use comes back.

    merchant_id   whose redemption it must be; None for anybody's
    amount_minor  None for all that is left
    raises   NotFound; RedemptionInCheckout; RolledBackAlready; RollbackExceedsRedemption; KeyReused
    effects  gives the value back to budget or gift card, the use to voucher and counters; announces voucher.rolled_back
    """
    connection = connection_of(session)
    found = redeemed.lock(connection, redemption_id)
    if found is None or merchant_id not in (None, found.merchant_id):
        raise NotFound
    _refuse_in_checkout(found)
    earlier = rows.find(connection, deed)
    if earlier is not None:
        return earlier
    return give_back(session, found, found.left_minor if amount_minor is None else amount_minor, deed)


def roll_back_by_staff(
    session: Session, redemption_id: UUID, amount_minor: int | None, deed: Deed, *, actor: str
) -> Rollback:
    """`roll_back` of any merchant's redemption, audited."""
    made = roll_back(session, redemption_id, amount_minor, deed, merchant_id=None)
    change = {"rollback_id": str(made.id), "amount_minor": made.amount_minor, "currency": made.currency}
    target = f"redemption:{redemption_id}"
    audit.record(session, actor=actor, action="redemption.roll_back", target=target, change=change, now=deed.at)
    return made


def void(session: Session, redemption_id: UUID, till: Till, *, at: datetime) -> Rollback:
    """Take back what this terminal has just redeemed; again, it is the same answer.

    raises   NotFound for another terminal's; RedemptionInCheckout; VoidTooLate; RolledBackAlready
    effects  as a reversal by the till's reference
    """
    connection = connection_of(session)
    found = redeemed.lock(connection, redemption_id)
    if found is None or found.terminal_id != till.terminal_id:
        raise NotFound
    _refuse_in_checkout(found)
    deed = taking_back(found, kind="void", at=at)
    earlier = rows.find(connection, deed)
    if earlier is not None:
        return earlier
    until = found.redeemed_at + VOIDABLE
    if at >= until:
        raise VoidTooLate(voidable_until=until.isoformat())
    return give_back(session, found, found.left_minor, deed)


def taking_back(found: Redeemed, *, kind: Kind, at: datetime) -> Deed:
    """Voids and reversals are one deed: by it the ledger knows that the till's reference stands for nothing now."""
    return Deed(
        principal=f"reversal:{found.terminal_id}",
        key=found.till_reference,
        fingerprint=hashlib.sha256(found.id.bytes).digest(),
        kind=kind,
        at=at,
    )


def give_back(session: Session, found: Redeemed, amount_minor: int, deed: Deed) -> Rollback:
    """Give so much of a locked redemption back.

    raises  RolledBackAlready; RollbackExceedsRedemption
    """
    if not found.stands:
        raise RolledBackAlready
    if amount_minor > found.left_minor:
        raise RollbackExceedsRedemption(left_minor=found.left_minor)
    connection = connection_of(session)
    back = Back(found, amount_minor, amount_minor == found.left_minor)
    redeemed.lock_vouchers(connection, [found])
    redeemed.uncount(connection, [back])

    transfer_id = _post(connection, back, deed) if amount_minor else None
    redeemed.note(session, [back], at=deed.at)
    taken_offline = losses.by_redemption(connection, found.id) if back.is_whole else None
    if taken_offline is not None:
        losses.take_back(connection, taken_offline, at=deed.at)
    made = Rollback(
        redemption_id=found.id,
        kind=deed.kind,
        amount_minor=amount_minor,
        currency=found.currency,
        redemptions=rows.redemptions_of([back]),
        reason=deed.reason,
        transfer_id=transfer_id,
        store_id=found.store_id,
        made_at=deed.at,
    )
    rows.insert(connection, made, deed)
    return made


def _refuse_in_checkout(found: Redeemed) -> None:
    """Asked when it is known whose it is: nobody else learns of their checkouts."""
    if found.checkout_id is not None:
        raise RedemptionInCheckout(checkout_id=str(found.checkout_id))


def _post(connection: Connection, back: Back, deed: Deed) -> UUID:
    of = back.redeemed
    transfer = Transfer(
        id=ids.new(),
        principal=deed.principal,
        key=deed.key,
        fingerprint=deed.fingerprint,
        kind=refunds.KIND,
        legs=(
            accounts.of_merchant(of.merchant_id, of.currency).leg(-back.amount_minor),
            Leg(of.account, back.amount_minor),
        ),
        effective_at=deed.at,
        parent_id=of.transfer_id,
        details={
            "redemption_id": str(of.id),
            "voucher_id": str(of.voucher_id),
            "campaign_id": str(of.campaign_id),
            "merchant_id": str(of.merchant_id),
            "amount_minor": back.amount_minor,
            "currency": of.currency,
        },
    )
    posted = ledger.post(connection, transfer)
    if of.is_gift_card:
        cards.revive(connection, [(posted.transfer_id, deed.at)])
    return posted.transfer_id
