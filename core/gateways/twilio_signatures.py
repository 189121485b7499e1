"""Call-backs of Twilio, signed with the account's token over the address that they were sent to and their fields.

source  https://www.twilio.com/docs/usage/security#validating-requests, read 2026-11
"""

from collections.abc import Mapping

from twilio.request_validator import RequestValidator

from core.settings import Settings


def is_signed(settings: Settings, *, address: str, fields: Mapping[str, str], signature: str) -> bool:
    """Whether one of our accounts made the signature.

    address  as Twilio was given it: behind PUBLIC_URL, whatever a proxy made of it
    """
    tokens = (settings.twilio_auth_token, settings.twilio_second_auth_token)
    return any(token and RequestValidator(token).validate(address, fields, signature) for token in tokens)
