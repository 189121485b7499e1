"""Publications by staff: a voucher for one customer, or one generic code for everybody."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from auth import customers
from core import audit
from core.errors import InvalidInput
from rewards import terms, vouchers
from rewards.vouchers import Issue, Voucher, codes


def publish(
    session: Session,
    *,
    campaign_id: UUID,
    customer_id: UUID | None,
    chosen_code: str | None,
    source: str,
    actor: str,
    now: datetime,
) -> Voucher:
    """Give a customer a voucher, or make the campaign's generic code when there is none to give it to.

    shape    source: staff's own name of the cause, apart from those of journeys; the same one gives the same voucher
    raises   NotFound for an unknown customer or campaign; InvalidInput for a code that cannot be chosen; CodeTaken;
             the refusals of `vouchers.issue_each`
    effects  an audit row
    """
    if chosen_code is not None:
        _check_code(session, campaign_id=campaign_id, customer_id=customer_id, chosen_code=chosen_code)
    if customer_id is not None:
        customers.find(session, customer_id)

    given = Issue(
        campaign_id=campaign_id,
        customer_id=customer_id,
        source=f"staff:{source}",
        chosen_code=chosen_code.strip().upper() if chosen_code else None,
    )
    voucher = vouchers.issue(session, given, now=now)
    if not voucher.replayed:
        change = {"voucher_id": str(voucher.id), "customer_id": str(customer_id) if customer_id else None}
        audit.record(
            session, actor=actor, action="voucher.issue", target=f"campaign:{campaign_id}", change=change, now=now
        )
    return voucher


def _check_code(session: Session, *, campaign_id: UUID, customer_id: UUID | None, chosen_code: str) -> None:
    """Only a generic coupon may have a chosen code: it can be guessed, and a gift card is money."""
    of = terms.load_one(session, campaign_id)
    if customer_id is not None or of.is_gift_card:
        raise InvalidInput(errors=[{"pointer": "/code", "detail": "can only be chosen for a coupon that is no one's"}])
    if not codes.CHOSEN.fullmatch(codes.normalise(chosen_code)):
        raise InvalidInput(errors=[{"pointer": "/code", "detail": "must be 4 to 15 letters and digits"}])
