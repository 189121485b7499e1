"""From what was proved to who it is."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from auth import customers
from auth.errors import OAuthRefusal
from auth.models import ACTIVE, Customer
from auth.native.otp import PhoneProved
from auth.proofs import ONE_FACTOR, Owner, Proved


def by_phone(session: Session, proved: PhoneProved, *, now: datetime) -> Proved | OAuthRefusal:
    """The customer of a number that was proved just now; who was not known is signed up.

    returns  `access_denied` for a customer who is suspended or being erased
    effects  announces customer.signed_up for a new one
    """
    customer = customers.sign_up(session, phone=proved.phone, locale=proved.locale, time_zone=None, now=now)
    amr = ("otp", "sms") if proved.row.channel == "sms" else ("otp",)
    return _let_in(customer, acr=ONE_FACTOR, amr=amr, now=now)


def known(
    session: Session, customer_id: UUID, *, acr: str, amr: tuple[str, ...], now: datetime
) -> Proved | OAuthRefusal:
    """A customer who showed something else that only they have; refuses as `by_phone` does."""
    return _let_in(customers.find(session, customer_id), acr=acr, amr=amr, now=now)


def _let_in(customer: Customer, *, acr: str, amr: tuple[str, ...], now: datetime) -> Proved | OAuthRefusal:
    if customer.status != ACTIVE:
        return OAuthRefusal("access_denied", "This account is suspended")
    return Proved(owner=Owner(customer_id=customer.id), auth_time=now, acr=acr, amr=amr)
