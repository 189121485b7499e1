"""Which adapter stands for each part of the outside world, decided once from the settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

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
    #: By channel, the further providers that take over while those before them fail.
    further: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def of_channel(self, channel: str) -> tuple[Any, ...]:
        """Every provider of a channel, in the order in which they are tried."""
        return (getattr(self, channel), *self.further.get(channel, ()))


def build(settings: Settings, *, keep: Keep = keep_in_database) -> Gateways:
    """The real adapter of each channel that has credentials; for the others the sandbox, in production a refusal.

    raises  ConfigurationError when credentials are given but cannot be used
    """
    twilio = _twilio(settings)
    all_sms = _in_order(_sms(settings, twilio), settings.sms_routes, name="SMS_ROUTES")
    all_email = _in_order(_emails(settings), settings.email_routes, name="EMAIL_ROUTES")
    sms, email = all_sms[0] if all_sms else None, all_email[0] if all_email else None
    further: dict[str, Sequence[Any]] = {"sms": all_sms[1:], "email": all_email[1:]}
    whatsapp_from = settings.twilio_whatsapp_from
    whatsapp = TwilioWhatsApp(twilio, from_=whatsapp_from) if twilio and whatsapp_from else None
    if settings.is_production:
        nothing = UnconfiguredChannel()
        return Gateways(
            push=_push(settings) or nothing,
            sms=sms or nothing,
            whatsapp=whatsapp or nothing,
            email=email or nothing,
            payments=_payments(settings) or UnconfiguredPayments(),
            identity=_identity(settings) or UnconfiguredIdentity(),
            further=further,
        )
    return Gateways(
        push=_push(settings) or SandboxPush(keep),
        sms=sms or SandboxSms(keep),
        whatsapp=whatsapp or SandboxWhatsApp(keep),
        email=email or SandboxEmail(keep),
        payments=_payments(settings) or SandboxPayments(),
        identity=_identity(settings) or SandboxIdentity(_parts(settings.identity_webhook_secrets)),
        further=further,
    )


# The SDKs are imported only where their credentials are given: together they cost each start over a second.


def _twilio(settings: Settings, *, which: str = "") -> "TwilioMessages | None":
    """which: "" for the first account, "second_" for the other."""
    account_sid = getattr(settings, f"twilio_{which}account_sid")
    auth_token = getattr(settings, f"twilio_{which}auth_token")
    if not (account_sid and auth_token):
        return None
    from core.gateways.twilio_client import TwilioMessages

    return TwilioMessages(
        account_sid=account_sid,
        auth_token=auth_token,
        public_url=settings.public_url,
        api_url=getattr(settings, f"twilio_{which}api_url") or None,
    )


def _sms(settings: Settings, twilio: "TwilioMessages | None") -> list[TwilioSms]:
    second = _twilio(settings, which="second_")
    of_account = [(twilio, settings.twilio_from, "twilio"), (second, settings.twilio_second_from, "twilio_second")]
    return [TwilioSms(messages, from_=from_, name=name) for messages, from_, name in of_account if messages and from_]


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


def _emails(settings: Settings) -> list[SmtpEmail]:
    of_server = [(settings.smtp_url, "smtp"), (settings.smtp_second_url, "smtp_second")]
    try:
        return [SmtpEmail(url, name=name) for url, name in of_server if url]
    except ValueError as error:
        raise ConfigurationError(str(error)) from error


_Adapter = TypeVar("_Adapter", TwilioSms, SmtpEmail)


def _in_order(made: Sequence[_Adapter], order: str, *, name: str) -> list[_Adapter]:
    """The adapters in the order that a setting names; those that it leaves out are not used.

    raises  ConfigurationError for a name that has no credentials
    """
    wanted = _parts(order)
    known = {adapter.name: adapter for adapter in made}
    if set(wanted) - set(known) or len(set(wanted)) < len(wanted):
        there_are = ", ".join(known) or "none"
        raise ConfigurationError(f"{name} must name providers that are set up, each once; there is {there_are}")
    return [known[route] for route in wanted] or list(made)


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
