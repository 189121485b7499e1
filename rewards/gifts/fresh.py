"""A gift card that is worth more than one may send without one's passkey is given away after a fresh sign-in alone."""

from datetime import datetime

from sqlalchemy.orm import Session

from auth.step_up import demands
from core.db import connection_of
from core.web.principals import Principal
from rewards.gifts.models import Gift
from wallet import limits


def demand(session: Session, giver: Principal, gift: Gift, *, now: datetime) -> None:
    """raises  StepUpRequired"""
    if gift.amount_minor is None:  # a coupon
        return
    above = limits.step_up_above(connection_of(session), giver.id, "send", gift.currency)
    if above is not None and gift.amount_minor > above:
        demands.demand(session, giver, now=now)
