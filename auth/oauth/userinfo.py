"""Userinfo (OpenID Connect Core section 5.3): what a customer lets the holder of an access token know."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from auth import birthdays, customers, emails
from auth.models import ACTIVE, Customer
from auth.oauth import families, scopes


def of(session: Session, claims: dict[str, Any], scope: str) -> dict[str, Any] | None:
    """What these claims of an access token let know, by what is left of its scope; None when its owner is not active
    any more.

    The owner is found by the family: whom a partner knows by another name is found by that name nowhere.
    """
    family = families.find(session, UUID(claims["fam"]))
    if family is None or family.revoked_at is not None:
        return None
    told = {"sub": claims["sub"]}
    if family.customer_id is None:
        return told  # staff, of whom nobody is told more
    customer = customers.find(session, family.customer_id)
    if customer.status != ACTIVE:
        return None
    for name, tell in ((scopes.PROFILE, _profile), (scopes.EMAIL, _email), (scopes.PHONE, _phone)):
        if scopes.has(scope, name):
            told |= tell(session, customer)
    return told


def _profile(session: Session, customer: Customer) -> dict[str, Any]:
    birthday = birthdays.opened(session, customer)
    # OpenID Connect writes a day whose year is not told with the year 0000.
    born = f"0000-{birthday}" if birthday and len(birthday) == len("02-28") else birthday
    known = {"locale": customer.locale, "zoneinfo": customer.time_zone, "birthdate": born}
    return {name: value for name, value in known.items() if value is not None}


def _email(session: Session, customer: Customer) -> dict[str, Any]:
    """One that nobody proved is only what somebody typed."""
    if customer.email_verified_at is None:
        return {}
    return {"email": emails.opened(session, customer.id, customer.email), "email_verified": True}


def _phone(session: Session, customer: Customer) -> dict[str, Any]:
    if customer.phone is None:
        return {}
    return {"phone_number": customers.phone_of(session, customer.id), "phone_number_verified": True}
