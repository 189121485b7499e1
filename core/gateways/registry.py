"""Which adapter stands for each part of the outside world, decided once from the settings."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import ConfigurationError
from core.gateways.email import EmailGateway, SandboxEmail, SmtpEmail
from core.gateways.payments import PaymentGateway, SandboxPayments
from core.gateways.push import PushGateway, SandboxPush
from core.gateways.sandbox import Keep, keep_in_database
from core.gateways.sms import SandboxSms, SmsGateway, TwilioSms
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


def build(settings: Settings, *, keep: Keep = keep_in_database) -> Gateways:
    """The real adapter of each channel that has credentials, the sandbox for the others.

    raises  ConfigurationError when credentials are given but cannot be used
    """
    twilio = _twilio(settings)
    return Gateways(
        push=_push(settings, keep),
        sms=TwilioSms(twilio, from_=settings.twilio_from) if twilio and settings.twilio_from else SandboxSms(keep),
        whatsapp=(
            TwilioWhatsApp(twilio, from_=settings.twilio_whatsapp_from)
            if twilio and settings.twilio_whatsapp_from
            else SandboxWhatsApp(keep)
        ),
        email=_email(settings, keep),
        payments=SandboxPayments(),
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


def _push(settings: Settings, keep: Keep) -> PushGateway:
    if not settings.fcm_project_id or not (settings.fcm_credentials_file or settings.fcm_api_url):
        return SandboxPush(keep)
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


def _email(settings: Settings, keep: Keep) -> EmailGateway:
    if not settings.smtp_url:
        return SandboxEmail(keep)
    try:
        return SmtpEmail(settings.smtp_url)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
