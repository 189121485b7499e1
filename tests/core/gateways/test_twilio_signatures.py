"""Whose call-backs are believed: those of our accounts, the second one's too."""

import pytest

from core.gateways import twilio_signatures
from core.settings import Settings
from tests.standins.twilio import signed

ADDRESS = "https://brand.example/hooks/twilio/1"
FIELDS = {"MessageSid": "SM1", "MessageStatus": "delivered"}


@pytest.mark.parametrize(("token", "is_ours"), [("first", True), ("second", True), ("guessed", False), ("", False)])
def test_token_of_either_account_signs(token: str, is_ours: bool) -> None:
    settings = Settings(twilio_auth_token="first", twilio_second_auth_token="second")
    signature = signed(ADDRESS, FIELDS, auth_token=token).signature

    assert twilio_signatures.is_signed(settings, address=ADDRESS, fields=FIELDS, signature=signature) is is_ours


def test_account_without_a_token_signs_nothing() -> None:
    signature = signed(ADDRESS, FIELDS, auth_token="").signature

    assert not twilio_signatures.is_signed(Settings(), address=ADDRESS, fields=FIELDS, signature=signature)
