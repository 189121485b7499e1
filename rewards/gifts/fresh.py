"""A gift card that is worth more than one may send without one's passkey is given away after a fresh sign-in alone."""

from datetime import datetime

from sqlalchemy.orm import Session

from auth.dpop import binding
from auth.dpop.errors import DpopNeeded
from auth.step_up import demands
from core.db import connection_of
from core.web.principals import Principal
from rewards.gifts.models import Gift
from wallet import limits


def unproved(giver: Principal, *, now: datetime) -> DpopNeeded | None:
    """What is to be raised where the giver's key is needed: before it is known whether, since proofs are taken in a
    transaction of their own.

    raises   DpopProofInvalid
    effects  a proof that was sent is used
    """
    try:
        binding.demand(giver, now)
    except DpopNeeded as needed:
        return needed
    return None


def demand(session: Session, giver: Principal, gift: Gift, *, unproved: DpopNeeded | None, now: datetime) -> None:
    """raises  StepUpRequired; what was `unproved`"""
    if gift.amount_minor is None:  # a coupon
        return
    above = limits.step_up_above(connection_of(session), giver.id, "send", gift.currency)
    if above is None or gift.amount_minor <= above:
        return
    if unproved is not None:
        raise unproved
    demands.demand(session, giver, now=now)
