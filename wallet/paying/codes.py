"""Merchants' codes: what a store and a basket present, and whom a scanned one pays."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of
from core.money import SANDBOX
from core.settings import Settings
from wallet.assets import brand_currency
from wallet.errors import MerchantUnknown
from wallet.paying import emvco, requests
from wallet.paying.emvco import MerchantCode
from wallet.paying.errors import CodeAltered, PaymentRequestCancelled
from wallet.paying.models import PaymentRequest
from wallet.paying.tills import Till


@dataclass(frozen=True, slots=True)
class _Brand:
    """guid: the reverse domain under which this brand's codes are known; city and country stand in each code."""

    guid: str
    city: str
    country: str

    @classmethod
    def of(cls, settings: Settings) -> "_Brand":
        return cls(settings.payment_code_id, settings.brand_city, settings.brand_country)


_brand = _Brand.of(Settings())


def load(settings: Settings) -> None:
    """Take what the brand's codes say from the settings."""
    global _brand
    _brand = _Brand.of(settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Whom a code pays and how much: where it is a basket's, exactly `amount_minor`."""

    merchant_id: UUID
    merchant_name: str
    store_id: UUID
    store_name: str
    currency: str
    amount_minor: int | None
    tip_allowed: bool
    request: PaymentRequest | None


def of_store(session: Session, till: Till) -> str:
    """The code that a store can print: it says whom to pay, and the customer says how much."""
    merchant_name, store_name = _names(session, till.store_id)[1:]
    currency = SANDBOX if till.is_sandbox else brand_currency()
    return emvco.encode(
        _code(merchant_name=merchant_name, store_id=till.store_id, store_label=store_name, currency=currency)
    )


def of_request(session: Session, request: PaymentRequest) -> str:
    """The code of one basket."""
    merchant_name, store_name = _names(session, request.store_id)[1:]
    return emvco.encode(
        _code(
            merchant_name=merchant_name,
            request_id=request.id,
            currency=request.currency,
            amount_minor=request.amount_minor,
            asks_for_tip=request.tip_allowed,
            bill_number=request.till_reference,
            store_label=store_name,
        )
    )


def read(session: Session, text: str, *, now: datetime, is_locked: bool = False) -> Seen:
    """Whom a scanned code pays. `is_locked`: the basket's row is locked, for it is about to be paid.

    raises  those of `emvco.decode`; CodeAltered; PaymentRequestPaid, PaymentRequestCancelled, PaymentRequestExpired;
            MerchantUnknown for a store that there is not, or that takes no payments now
    """
    code = emvco.decode(text, guid=_brand.guid)
    request = None
    if code.request_id is not None:
        request = requests.lock(session, code.request_id) if is_locked else session.get(PaymentRequest, code.request_id)
        if request is None:
            raise PaymentRequestCancelled
        if (code.amount_minor, code.currency) != (request.amount_minor, request.currency):
            raise CodeAltered
        requests.check_payable(request, now=now)
    store_id = request.store_id if request else code.store_id
    assert store_id is not None
    merchant_id, merchant_name, store_name = _names(session, store_id)
    return Seen(
        merchant_id=merchant_id,
        merchant_name=merchant_name,
        store_id=store_id,
        store_name=store_name,
        currency=request.currency if request else code.currency,
        amount_minor=request.amount_minor if request else None,
        tip_allowed=request.tip_allowed if request else True,
        request=request,
    )


def _code(*, merchant_name: str, **said: object) -> MerchantCode:
    return MerchantCode(
        guid=_brand.guid,
        city=_brand.city,
        country=_brand.country,
        merchant_name=merchant_name,
        **said,  # type: ignore[arg-type]
    )


def _names(session: Session, store_id: UUID) -> tuple[UUID, str, str]:
    """A store's merchant, that one's name, and its own."""
    row = connection_of(session).execute(_NAMES, [store_id]).fetchone()
    if row is None:
        raise MerchantUnknown
    return row[0], row[1], row[2]


_NAMES = """
    SELECT m.id, m.name, s.name FROM auth.store s JOIN auth.merchant m ON m.id = s.merchant_id
     WHERE s.id = %s AND s.status = 'active' AND m.status = 'active'
"""
