"""Where a message goes, as far as its price hangs on it."""

import phonenumbers
from phonenumbers import NumberParseException


def of_recipient(channel: str, recipient: str) -> str | None:
    """The country of a phone number (ISO 3166-1 alpha-2); None for other addresses, and for numbers of no country."""
    if channel not in ("sms", "whatsapp"):
        return None
    try:
        number = phonenumbers.parse(recipient)
    except NumberParseException:
        return None
    # A number that is not in use tells its calling code at least; 001 is that of ships and satellites.
    found = phonenumbers.region_code_for_number(number) or phonenumbers.region_code_for_country_code(
        number.country_code or 0
    )
    return found if found.isalpha() and found != "ZZ" else None
