"""Which adapter the settings choose."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from core import clock, ids
from core.errors import ConfigurationError
from core.gateways import registry
from core.gateways.email import Email
from core.gateways.outcomes import Accepted, Refused, Unknown
from core.gateways.payments import Declined
from core.gateways.push import Push
from core.gateways.sandbox import SandboxMessage
from core.gateways.signatures import Forged
from core.gateways.sms import Sms
from core.gateways.whatsapp import WhatsApp
from core.settings import Settings


def test_without_credentials_every_channel_is_a_sandbox_that_keeps_what_it_is_given() -> None:
    given: list[SandboxMessage] = []
    gateways = registry.build(Settings(), keep=given.append)

    outcomes = [
        gateways.sms.send(Sms(ids.new(), "+12125550142", "Hello")),
        gateways.whatsapp.send(WhatsApp(ids.new(), "+12125550142", body="Hello")),
        gateways.push.send(Push(ids.new(), "device-1", "A gift", "Hello")),
        gateways.email.send(Email(ids.new(), "ana@example.com", "A gift", "Hello")),
    ]

    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert [(kept.channel, kept.recipient) for kept in given] == [
        ("sms", "+12125550142"),
        ("whatsapp", "+12125550142"),
        ("push", "device-1"),
        ("email", "ana@example.com"),
    ]


def test_credentials_choose_the_real_adapters() -> None:
    gateways = registry.build(
        Settings(
            twilio_account_sid="AC1",
            twilio_auth_token="secret",
            twilio_from="+12125550100",
            fcm_project_id="brand",
            fcm_api_url="http://127.0.0.1:9",
            smtp_url="smtp://mail.example?from=hello@brand.example",
            stripe_secret_key="sk_test",
            stripe_publishable_key="pk_test",
            stripe_webhook_secrets="whsec_old, whsec_new",
        )
    )

    assert (gateways.sms.name, gateways.push.name, gateways.email.name) == ("twilio", "fcm", "smtp")
    assert (gateways.payments.name, gateways.payments.publishable_key) == ("stripe", "pk_test")
    # No WhatsApp sender was given.
    assert gateways.whatsapp.name == "sandbox"


_TWO = {
    "twilio_account_sid": "AC1",
    "twilio_auth_token": "secret",
    "twilio_from": "+12125550100",
    "twilio_second_account_sid": "AC2",
    "twilio_second_auth_token": "secret",
    "twilio_second_from": "+12125550199",
    "smtp_url": "smtp://mail.example?from=hello@brand.example",
    "smtp_second_url": "smtp://relay.example?from=hello@brand.example",
}


@pytest.mark.parametrize(
    ("order", "sms", "email"),
    [
        ({}, ["twilio", "twilio_second"], ["smtp", "smtp_second"]),
        ({"sms_routes": "twilio_second, twilio"}, ["twilio_second", "twilio"], ["smtp", "smtp_second"]),
        ({"email_routes": "smtp_second"}, ["twilio", "twilio_second"], ["smtp_second"]),
    ],
)
def test_channel_has_its_providers_in_the_order_that_is_set(
    order: dict[str, str], sms: list[str], email: list[str]
) -> None:
    gateways = registry.build(Settings(**_TWO, **order))

    assert [adapter.name for adapter in gateways.of_channel("sms")] == sms
    assert [adapter.name for adapter in gateways.of_channel("email")] == email
    assert (gateways.sms.name, gateways.email.name) == (sms[0], email[0])
    assert [adapter.name for adapter in gateways.of_channel("push")] == ["sandbox"]


@pytest.mark.parametrize("order", ["twilio,telegraph", "twilio,twilio"])
def test_order_that_names_what_is_not_set_up_is_told_in_one_line(order: str) -> None:
    with pytest.raises(ConfigurationError, match="SMS_ROUTES must name providers that are set up"):
        registry.build(Settings(**_TWO, sms_routes=order))


def test_credentials_that_cannot_be_used_are_told_in_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "service-account.json"
    broken.write_text("{}")

    with pytest.raises(ConfigurationError, match="FCM_CREDENTIALS_FILE cannot be used"):
        registry.build(Settings(fcm_project_id="brand", fcm_credentials_file=str(broken)))
    with pytest.raises(ConfigurationError, match="SMTP_URL must look like"):
        registry.build(Settings(smtp_url="smtp://mail.example"))


def test_production_has_no_sandbox() -> None:
    gateways = registry.build(Settings(environment="production"))

    outcome = gateways.sms.send(Sms(ids.new(), "+12125550142", "Hello"))

    assert outcome == Refused("channel_not_configured", permanent=False)
    assert {gateways.push.name, gateways.whatsapp.name, gateways.email.name} == {"unconfigured"}
    charge = gateways.payments.charge(reference="1", amount_minor=100, currency="USD", source="sandbox_ok")
    assert charge == Declined("provider_not_configured")
    assert gateways.payments.open_payer(reference="1") == Unknown("provider_not_configured")
    with pytest.raises(Forged):
        gateways.payments.notice(b"{}", {}, at=datetime.now(UTC))
    check = gateways.identity.submit(reference=ids.new(), document_token="sandbox_approved")
    assert check == Refused("provider_not_configured", permanent=False)
    with pytest.raises(Forged):
        gateways.identity.notice(b"{}", {}, at=clock.now())


def test_key_of_the_identity_provider_chooses_it() -> None:
    chosen = [registry.build(Settings(identity_api_key=key)).identity.name for key in ("", "rk_test_1")]

    assert chosen == ["sandbox", "stripe_identity"]
