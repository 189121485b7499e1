"""Phone numbers: one spelling each (E.164), sealed, and found again by a blind index."""

import phonenumbers

from auth.errors import PhoneInvalid
from core import crypto

PLACE = "auth.customer.phone"


def normalised(text: str) -> str:
    """A number as E.164: "+1 (212) 555-0142" is "+12125550142".

    raises  PhoneInvalid without a country code, or with a length that the country does not have. Numbers that nobody
            was given are let through: whole ranges of them are kept for fiction, and the code sent there tells.
    """
    if len(text) > 40 or not text.isascii() or not text.isprintable():
        raise PhoneInvalid
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException as error:
        raise PhoneInvalid from error
    if number.extension or not phonenumbers.is_possible_number(number):
        raise PhoneInvalid
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def index_of(phone: str) -> bytes:
    return crypto.blind_index("auth.phone", phone)
