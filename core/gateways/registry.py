"""Which adapter stands for each part of the outside world, decided once from the settings."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import ConfigurationError
from core.gateways.email import EmailGateway, SandboxEmail, SmtpEmail
from core.gateways.identity import IdentityGateway, SandboxIdentity
from core.gateways.payments import PaymentGateway
from core.gateways.push import PushGateway, SandboxPush
from core.gateways.sandbox import Keep, keep_in_database
from core.gateways.sandbox_payments import SandboxPayments
from core.gateways.sms import SandboxSms, SmsGateway, TwilioSms
from core.gateways.unconfigured import UnconfiguredChannel, UnconfiguredIdentity, UnconfiguredPayments
from core.gateways.whatsapp import SandboxWhatsApp, TwilioWhatsApp, WhatsAppGateway
from core.settings import Settings

if TYPE_CHECKING:
    from core.gateways.twilio_client import TwilioMessages


@dataclass(frozen=True, slots=True)
class Gateways:
    push: PushGateway
    sms: SmsGateway
    whatsapp: WhatsAppGateway
    email: EmailGateway
    payments: PaymentGateway
    identity: IdentityGateway


def build(settings: Settings, *, keep: Keep = keep_in_database) -> Gateways:
    """The real adapter of each channel that has credentials; for the others the sandbox, in production a refusal.

    raises  ConfigurationError when credentials are given but cannot be used
    """
    twilio = _twilio(settings)
    sms = TwilioSms(twilio, from_=settings.twilio_from) if twilio and settings.twilio_from else None
    whatsapp_from = settings.twilio_whatsapp_from
    whatsapp = TwilioWhatsApp(twilio, from_=whatsapp_from) if twilio and whatsapp_from else None
    if settings.is_production:
        nothing = UnconfiguredChannel()
        return Gateways(
            push=_push(settings) or nothing,
            sms=sms or nothing,
            whatsapp=whatsapp or nothing,
            email=_email(settings) or nothing,
            payments=_payments(settings) or UnconfiguredPayments(),
            identity=_identity(settings) or UnconfiguredIdentity(),
        )
    return Gateways(
        push=_push(settings) or SandboxPush(keep),
        sms=sms or SandboxSms(keep),
        whatsapp=whatsapp or SandboxWhatsApp(keep),
        email=_email(settings) or SandboxEmail(keep),
        payments=_payments(settings) or SandboxPayments(),
        identity=_identity(settings) or SandboxIdentity(_parts(settings.identity_webhook_secrets)),
    )


# The SDKs are imported only where their credentials are given: together they cost each start over a second.


def _twilio(settings: Settings) -> "TwilioMessages | None":
    if not (settings.twilio_account_sid and settings.twilio_auth_token):
        return None
    from core.gateways.twilio_client import TwilioMessages

    return TwilioMessages(
        account_sid=settings.twilio_account_sid,
        auth_token=settings.twilio_auth_token,
        public_url=settings.public_url,
        api_url=settings.twilio_api_url or None,
    )


def _push(settings: Settings) -> PushGateway | None:
    if not settings.fcm_project_id or not (settings.fcm_credentials_file or settings.fcm_api_url):
        return None
    from core.gateways.firebase_push import FirebasePush

    try:
        return FirebasePush(
            project_id=settings.fcm_project_id,
            # A stand-in asks for no credentials.
            credentials_file=settings.fcm_credentials_file or None,
            api_url=settings.fcm_api_url or None,
        )
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"FCM_CREDENTIALS_FILE cannot be used: {error}") from error


def _email(settings: Settings) -> EmailGateway | None:
    if not settings.smtp_url:
        return None
    try:
        return SmtpEmail(settings.smtp_url)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error


def _payments(settings: Settings) -> PaymentGateway | None:
    if not settings.stripe_secret_key:
        return None
    from core.gateways.stripe_payments import StripePayments

    return StripePayments(
        secret_key=settings.stripe_secret_key,
        publishable_key=settings.stripe_publishable_key,
        webhook_secrets=_parts(settings.stripe_webhook_secrets),
        api_url=settings.stripe_api_url or None,
    )


def _identity(settings: Settings) -> IdentityGateway | None:
    if not settings.identity_api_key:
        return None
    from core.gateways.stripe_identity import StripeIdentity

    return StripeIdentity(
        api_key=settings.identity_api_key,
        webhook_secrets=_parts(settings.identity_webhook_secrets),
        api_url=settings.identity_api_url or None,
    )


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
