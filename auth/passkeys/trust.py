"""Trust: whether a new passkey approves payments at once."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from auth.models import Customer
from auth.passkeys import listing, registering
from auth.proofs import PHISHING_RESISTANT, Owner

#: Who has just signed up has nothing yet that a stolen number could pay with.
NEWCOMER = timedelta(hours=1)


def is_due(session: Session, owner: Owner, *, acr: str, now: datetime) -> bool:
    """Whether what its owner showed is enough: a passkey that they still have, none of theirs being young, or that they
    have only come.

    A young one vouches for none, nor does one that is gone: with a stolen number one could make a first passkey, sign
    in with it, remove it perhaps, and make a second one that pays at once.
    """
    if acr == PHISHING_RESISTANT:
        known = registering.of(session, owner)
        if known and not any(listing.is_young(each, now) for each in known):
            return True
    customer = session.get(Customer, owner.customer_id) if owner.customer_id else None
    return customer is not None and now < customer.created_at + NEWCOMER
