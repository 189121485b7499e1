"""What merchants pay for their payments: set by staff, from then on, with the history kept."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth import merchants
from core import audit, ids
from wallet.assets import exponent_of
from wallet.errors import MerchantUnknown
from wallet.finance.settlement_models import MerchantTerms


def set_(
    session: Session,
    *,
    merchant_id: UUID,
    currency: str,
    fee_bps: int,
    fee_fixed_minor: int,
    reason: str,
    actor: str,
    now: datetime,
) -> MerchantTerms:
    """Set a merchant's terms for payments from now on; to set those that hold changes nothing.

    Of 10.50 with a tip of 0.50, 250 bps and 0.20 take 0.45: the share of 10.00 (rounded half to even), and 0.20. A tip
    is never charged, and a refund gives no fee back.
    units    fee_bps: basis points, 0 to 10 000; fee_fixed_minor: for each payment
    raises   MerchantUnknown, CurrencyUnknown; TermsTwin when they are being set just now
    effects  audited
    """
    exponent_of(currency)
    if not merchants.known(session, [merchant_id]):
        raise MerchantUnknown
    holding = next((each for each in history(session, merchant_id) if each.currency == currency), None)
    if holding is not None and (holding.fee_bps, holding.fee_fixed_minor) == (fee_bps, fee_fixed_minor):
        return holding

    terms = MerchantTerms(
        id=ids.new(),
        merchant_id=merchant_id,
        currency=currency,
        fee_bps=fee_bps,
        fee_fixed_minor=fee_fixed_minor,
        effective_at=now,
        set_by=actor,
        reason=reason,
    )
    session.add(terms)
    session.flush()
    change = {"currency": currency, "fee_bps": fee_bps, "fee_fixed_minor": fee_fixed_minor}
    target = f"merchant:{merchant_id}"
    audit.record(session, actor=actor, action="merchant.terms", target=target, change=change, now=now)
    return terms


def history(session: Session, merchant_id: UUID) -> Sequence[MerchantTerms]:
    """A merchant's terms, the latest first: the first of each currency holds now."""
    query = (
        select(MerchantTerms)
        .where(MerchantTerms.merchant_id == merchant_id)
        .order_by(MerchantTerms.effective_at.desc(), MerchantTerms.id.desc())
    )
    return session.scalars(query).all()
