"""Redemptions: one voucher used at a till by itself, its value moved to what the merchant is owed."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from core import ids
from core.db import Connection
from core.events import announce
from rewards.baskets import Basket
from rewards.errors import RedemptionReferenceReused, VoucherUsedUp
from rewards.funds import Funds, post_with
from rewards.redemption import deciding, evidence, recording
from rewards.redemption.deciding import Use
from rewards.redemption.evidence import Reference, Shown
from rewards.redemption.recording import Redemption
from wallet import accounts, ledger
from wallet.ledger import Transfer
from wallet.paying.tills import Till


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A voucher at a till, with the basket that it is shown for.

    till_reference  the till's own number of this deed; the same one again gets the same answer
    """

    till: Till
    reference: Reference
    basket: Basket
    currency: str
    till_reference: str


def redeem(session: Session, request: Request, *, now: datetime) -> Redemption:
    """Use one voucher; who holds its code has shown it, so the till learns why it is refused.

    raises   each refusal of `deciding.decide`, VoucherUnknown for a code that does not exist; RedemptionReferenceReused
    effects  moves the value from budget or gift card to the merchant; announces voucher.redeemed
    """
    return post_with(session, lambda connection, funds: _redeem(session, connection, funds, request, now=now))


def _redeem(session: Session, connection: Connection, funds: Funds, request: Request, *, now: datetime) -> Redemption:
    shown = Shown((request.reference,), None, request.basket)
    known = evidence.gather(connection, funds, [shown])
    # Read under the voucher's lock, so that who waited there for a twin finds what the twin took.
    earlier = recording.by_reference(connection, request.till, request.till_reference)
    if earlier is not None:
        held = known.find(request.reference)
        if held is None or held.id != earlier.voucher_id:
            raise RedemptionReferenceReused
        return earlier

    uses = deciding.decide(known, shown, currency=request.currency, at=now)
    if not uses:
        raise VoucherUsedUp("There is nothing in the basket for the gift card to pay")
    use = uses[0]
    transfer_id = ids.new() if use.amount_minor else None
    redemption = recording.redemption_of(
        use,
        till=request.till,
        till_reference=request.till_reference,
        customer_id=None,
        transfer_id=transfer_id,
        checkout_id=None,
        at=now,
    )
    recording.record_all(connection, [(use, redemption)])
    if transfer_id:
        if funds.are_read:
            accounts.open_all(connection, [accounts.of_merchant(request.till.merchant_id, request.currency)])
        ledger.post(connection, _transfer(use, redemption))

    announce(session, redemption.fact)
    return redemption


def _transfer(use: Use, redemption: Redemption) -> Transfer:
    assert redemption.transfer_id is not None
    return Transfer(
        id=redemption.transfer_id,
        principal=f"terminal:{redemption.till.terminal_id}",
        key=f"redemption:{redemption.id}",
        fingerprint=hashlib.sha256(redemption.id.bytes).digest(),
        kind="redemption",
        legs=(
            use.leg,
            accounts.of_merchant(redemption.till.merchant_id, redemption.currency).leg(redemption.amount_minor),
        ),
        effective_at=redemption.redeemed_at,
        details={
            "redemption_id": str(redemption.id),
            "voucher_id": str(redemption.voucher_id),
            "campaign_id": str(redemption.campaign_id),
            "merchant_id": str(redemption.till.merchant_id),
            "store_id": str(redemption.till.store_id),
            "terminal_id": str(redemption.till.terminal_id),
        },
    )
