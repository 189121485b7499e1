"""Approving: what a customer is about to pay or send, read as it will be carried out, for their passkey's yes."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from auth.step_up import approvals, binding
from auth.step_up.models import StepUp
from core.db import connection_of
from core.errors import InvalidInput, NotFound
from core.money import MAX_AMOUNT_MINOR
from wallet.assets import exponent_of
from wallet.errors import MerchantUnknown
from wallet.paying import app_payments, codes, tips
from wallet.paying.errors import AmountMissing
from wallet.peers import people, requests
from wallet.peers.errors import LinkUnknown
from wallet.peers.models import MoneyRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be approved; of whom it is for, what its purpose takes.

    amount_minor, currency  without the tip; None: what the code or the money request asks for
    code                    of a store or a basket; of a money request's link
    phone                   whom to send to; None for whoever is given the link
    """

    purpose: str
    customer_id: UUID
    family_id: UUID | None
    amount_minor: int | None = None
    currency: str | None = None
    tip_minor: int = 0
    merchant_id: UUID | None = None
    store_id: UUID | None = None
    code: str | None = None
    phone: str | None = None
    money_request_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """payee: as an approval spells it; name: as the customer is shown it, None for whoever is given a link"""

    payee: str
    name: str | None
    amount_minor: int
    currency: str


def ask(session: Session, wish: Wish, *, brand_name: str, now: datetime) -> tuple[StepUp, Meant]:
    """Begin an approval of exactly what the customer is about to do.

    raises   those of `approvals.ask`; AmountMissing; CurrencyUnknown; MerchantUnknown, those of `codes.read`,
             PhoneInvalid, NotFound, LinkUnknown or MoneyRequestEnded, of whom it is for
    effects  announces step_up.asked
    """
    meant = _MEANT[wish.purpose](session, wish, now) if wish.purpose in _MEANT else _of_brand(wish, brand_name)
    exponent_of(meant.currency)
    if meant.amount_minor > MAX_AMOUNT_MINOR:
        detail = "Must be at most 9007199254740991 with the tip."
        raise InvalidInput(errors=[{"pointer": "/amount/amount_minor", "detail": detail}])
    approval = approvals.ask(
        session,
        customer_id=wish.customer_id,
        family_id=wish.family_id,
        purpose=wish.purpose,
        amount_minor=meant.amount_minor,
        currency=meant.currency,
        payee=meant.payee,
        now=now,
    )
    return approval, meant


def _of_payment(session: Session, wish: Wish, now: datetime) -> Meant:
    if wish.code is not None:
        seen = codes.read(session, wish.code, now=now)
        named = app_payments.amount_of(
            seen, amount_minor=wish.amount_minor, currency=wish.currency, tip_minor=wish.tip_minor
        )
        tips.check(wish.tip_minor, named)
        return Meant(
            payee=app_payments.payee_of(seen),
            name=f"{seen.merchant_name}, {seen.store_name}",
            amount_minor=named + wish.tip_minor,
            currency=seen.currency,
        )

    amount_minor, currency = _amount(wish)
    tips.check(wish.tip_minor, amount_minor)
    payee = binding.store(wish.store_id) if wish.store_id else binding.merchant(_known(wish.merchant_id))
    query, wanted = (_STORE, wish.store_id) if wish.store_id else (_MERCHANT, wish.merchant_id)
    row = connection_of(session).execute(query, [wanted]).fetchone()
    if row is None:
        raise MerchantUnknown
    return Meant(payee=payee, name=row[0], amount_minor=amount_minor + wish.tip_minor, currency=currency)


def _of_sending(session: Session, wish: Wish, now: datetime) -> Meant:
    amount_minor, currency = _amount(wish)
    if wish.phone is None:
        return Meant(payee=binding.LINK, name=None, amount_minor=amount_minor, currency=currency)
    person = people.by_phone(session, wish.phone)
    return Meant(payee=binding.phone(person.index), name=person.phone, amount_minor=amount_minor, currency=currency)


def _of_money_request(session: Session, wish: Wish, now: datetime) -> Meant:
    request = _money_request(session, wish)
    requests.check_open(request, now=now)
    names = people.names_of(session, [request.requester_id])
    return Meant(
        payee=binding.request(request.id),
        name=names.get(request.requester_id),
        amount_minor=request.amount_minor,
        currency=request.currency,
    )


def _of_brand(wish: Wish, brand_name: str) -> Meant:
    amount_minor, currency = _amount(wish)
    return Meant(payee=binding.BRAND, name=brand_name, amount_minor=amount_minor, currency=currency)


def _money_request(session: Session, wish: Wish) -> MoneyRequest:
    if wish.code is not None:
        request = requests.by_code(session, wish.code)
        if request.requester_id == wish.customer_id:
            raise LinkUnknown
        return request
    request = requests.find(session, _known(wish.money_request_id), customer_id=wish.customer_id)
    if request.requester_id == wish.customer_id:
        raise NotFound
    return request


def _amount(wish: Wish) -> tuple[int, str]:
    if wish.amount_minor is None or wish.currency is None:
        raise AmountMissing
    return wish.amount_minor, wish.currency


def _known(found: UUID | None) -> UUID:
    assert found is not None
    return found


_MEANT = {"payment": _of_payment, "sending": _of_sending, "money_request": _of_money_request}

_STORE = """
    SELECT m.name || ', ' || s.name FROM auth.store s JOIN auth.merchant m ON m.id = s.merchant_id
     WHERE s.id = %s AND s.status = 'active' AND m.status = 'active'
"""
_MERCHANT = "SELECT name FROM auth.merchant WHERE id = %s AND status = 'active'"
