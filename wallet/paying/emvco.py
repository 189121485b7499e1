"""The EMVCo QR that a merchant presents and a customer's app scans: text of tag, length and value with a check sum.

source  EMV QR Code Specification for Payment Systems, Merchant-Presented Mode, version 1.1 (EMVCo, November 2020)
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from core.money import Money
from wallet.assets import exponent_of
from wallet.paying import tlv
from wallet.paying.currencies import ALPHABETIC, NUMERIC
from wallet.paying.errors import CodeCurrencyUnknown, CodeDamaged, CodeForeign, CodeUnreadable

#: Section 4.7.10: an amount's characters, its point among them.
_AMOUNT_LENGTH = 13
_NAME_LENGTH, _CITY_LENGTH, _LABEL_LENGTH = 25, 15, 25

_FORMAT, _INITIATION, _CATEGORY, _CURRENCY, _AMOUNT, _TIP = "00", "01", "52", "53", "54", "55"
_COUNTRY, _NAME, _CITY, _ADDITIONAL, _CRC = "58", "59", "60", "62", "63"
_STATIC, _DYNAMIC, _TIP_PROMPTED = "11", "12", "01"
#: Templates of any scheme's merchant account; each names its scheme by a globally unique id.
_ACCOUNTS = [f"{tag}" for tag in range(26, 52)]
_GUID, _STORE, _REQUEST = "00", "01", "02"
_BILL, _STORE_LABEL, _REFERENCE, _TERMINAL = "01", "03", "05", "07"

_UNKNOWN_CATEGORY = "0000"


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantCode:
    """What a code says. One with a payment request is dynamic: it is for one basket; a store's is static.

    guid         the reverse domain under which this brand's codes are known ("com.example.pay")
    country      ISO 3166-1 alpha-2
    amount_minor of `currency`; None where the customer enters it
    asks_for_tip the app shall ask the customer for one
    labels       at most 25 characters each
    """

    guid: str
    store_id: UUID | None = None
    request_id: UUID | None = None
    merchant_name: str
    city: str
    country: str
    currency: str
    category: str = _UNKNOWN_CATEGORY
    amount_minor: int | None = None
    asks_for_tip: bool = False
    bill_number: str | None = None
    store_label: str | None = None
    reference_label: str | None = None
    terminal_label: str | None = None

    @property
    def is_dynamic(self) -> bool:
        return self.request_id is not None


def encode(code: MerchantCode) -> str:
    """The text to draw as a QR. Names are written in ASCII and cut to what the standard lets stand.

    raises  ValueError where the code does not name either a store or a request, or a part cannot be written
    """
    if (code.store_id is None) == (code.request_id is None):
        raise ValueError("A code names either a store or a payment request")
    account = {_GUID: code.guid, _STORE: _hex(code.store_id), _REQUEST: _hex(code.request_id)}
    labels = {
        _BILL: code.bill_number,
        _STORE_LABEL: code.store_label,
        _REFERENCE: code.reference_label,
        _TERMINAL: code.terminal_label,
    }
    text = tlv.written(
        {
            _FORMAT: "01",
            _INITIATION: _DYNAMIC if code.is_dynamic else _STATIC,
            _ACCOUNTS[0]: tlv.written(account),
            _CATEGORY: code.category,
            _CURRENCY: NUMERIC[code.currency],
            _AMOUNT: None if code.amount_minor is None else amount_text(code.amount_minor, code.currency),
            _TIP: _TIP_PROMPTED if code.asks_for_tip else None,
            _COUNTRY: code.country,
            _NAME: ascii_name(code.merchant_name, _NAME_LENGTH),
            _CITY: ascii_name(code.city, _CITY_LENGTH),
            _ADDITIONAL: tlv.written({tag: ascii_name(label, _LABEL_LENGTH) for tag, label in labels.items() if label}),
        }
    )
    return f"{text}{_CRC}04{tlv.check_sum(f'{text}{_CRC}04'):04X}"


def decode(text: str, *, guid: str) -> MerchantCode:
    """What a scanned text says, where it is one of ours; parts that we do not know are left alone.

    raises  CodeUnreadable, CodeDamaged, CodeForeign (no merchant account under our id), CodeCurrencyUnknown
    """
    parts = tlv.parts_of(text)
    _check(text, parts)
    if parts.get(_INITIATION, _STATIC) not in (_STATIC, _DYNAMIC):
        raise CodeUnreadable
    required = [parts.get(tag, "") for tag in (_CATEGORY, _CURRENCY, _COUNTRY, _NAME, _CITY)]
    if not all(required):
        raise CodeUnreadable
    category, numeric, country, name, city = required
    store_id, request_id = _named(parts, guid)
    currency = ALPHABETIC.get(numeric)
    if currency is None:
        raise CodeCurrencyUnknown
    labels = tlv.parts_of(parts[_ADDITIONAL]) if _ADDITIONAL in parts else {}
    return MerchantCode(
        guid=guid,
        store_id=store_id,
        request_id=request_id,
        merchant_name=name,
        city=city,
        country=country,
        currency=currency,
        category=category,
        amount_minor=_amount(parts[_AMOUNT], currency) if _AMOUNT in parts else None,
        asks_for_tip=parts.get(_TIP) == _TIP_PROMPTED,
        bill_number=labels.get(_BILL),
        store_label=labels.get(_STORE_LABEL),
        reference_label=labels.get(_REFERENCE),
        terminal_label=labels.get(_TERMINAL),
    )


def largest_amount(currency: str) -> int:
    """The most that a code's 13 characters can say, in minor units: 9999999999.99 dollars, 9999999999999 yen."""
    exponent = exponent_of(currency)
    digits = _AMOUNT_LENGTH - (exponent > 0)
    return int(10**digits) - 1


def amount_text(amount_minor: int, currency: str) -> str:
    """1250 USD is "12.50", 1250 JPY is "1250".

    raises  ValueError beyond `largest_amount`
    """
    if not 0 < amount_minor <= largest_amount(currency):
        raise ValueError(f"A code cannot say {Money(amount_minor, currency)}")
    exponent = exponent_of(currency)
    if exponent == 0:
        return str(amount_minor)
    whole, rest = divmod(amount_minor, 10**exponent)
    return f"{whole}.{rest:0{exponent}}"


def ascii_name(text: str, length: int) -> str:
    """A name as every scanner can show it: accents dropped, what is left beyond ASCII as "?", cut, never empty."""
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    shown = "".join(letter if " " <= letter <= "~" else "?" for letter in plain)
    return shown[:length].strip() or "-"


def _check(text: str, parts: Mapping[str, str]) -> None:
    """It begins with the format that we know, and ends with a check sum that fits."""
    tags = list(parts)
    if not tags or tags[0] != _FORMAT or parts[_FORMAT] != "01" or tags[-1] != _CRC or len(parts[_CRC]) != 4:
        raise CodeUnreadable
    if parts[_CRC] != f"{tlv.check_sum(text[:-4]):04X}":
        raise CodeDamaged


def _named(parts: Mapping[str, str], guid: str) -> tuple[UUID | None, UUID | None]:
    """The store and the request that the account of ours names, one of which is None."""
    for tag in _ACCOUNTS:
        if tag in parts:
            account = _account(parts[tag])
            if account.get(_GUID, "").lower() == guid.lower():
                store_id, request_id = _uuid(account.get(_STORE)), _uuid(account.get(_REQUEST))
                if (store_id is None) == (request_id is None):
                    raise CodeUnreadable
                return store_id, request_id
    raise CodeForeign


def _account(text: str) -> dict[str, str]:
    """Another scheme's template need not be of the form that the standard asks for."""
    try:
        return tlv.parts_of(text)
    except CodeUnreadable:
        return {}


def _hex(identifier: UUID | None) -> str | None:
    return identifier.hex if identifier else None


def _uuid(text: str | None) -> UUID | None:
    if text is None:
        return None
    if not re.fullmatch("[0-9a-f]{32}", text):
        raise CodeUnreadable
    return UUID(text)


def _amount(text: str, currency: str) -> int:
    exponent = exponent_of(currency)
    shape = re.fullmatch(rf"([0-9]{{1,{_AMOUNT_LENGTH}}})(?:\.([0-9]{{0,{exponent}}}))?", text)
    if shape is None or len(text) > _AMOUNT_LENGTH:
        raise CodeUnreadable
    amount_minor = int(shape[1] + (shape[2] or "").ljust(exponent, "0"))
    if amount_minor == 0:
        raise CodeUnreadable
    return amount_minor
