"""Settings: read once from the environment, frozen, and complete before anything opens."""

import base64
import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from zoneinfo import ZoneInfo

from core.errors import ConfigurationError
from core.settings_checks import parts, problems_of

_RATE_LIMITS = "customer=600,terminal=1200,staff=600,address=3000"
_PROJECT = Path(__file__).resolve().parent.parent


def _development_secret(name: str) -> str:
    """A working default for a developer's machine; production refuses to start with it."""
    return base64.b64encode(hashlib.sha256(f"pocketful development {name}".encode()).digest()).decode()


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every name is the upper-cased field name in the environment."""

    environment: str = "development"
    database_url: str = ""  # empty: the embedded server
    database_pool_size: int = 56  # a worker has a thread for each line of the wiring
    brand_name: str = "Pocketful"
    brand_currency: str = "USD"
    #: Further currencies that customers can hold beside the brand's, comma-separated.
    wallet_currencies: str = ""
    brand_time_zone: str = "America/New_York"
    #: In which messages are written to customers of whom no language is known that they are written in.
    brand_locale: str = "en"
    brand_colour: str = "#1F4FA3"
    brand_country: str = "US"
    brand_city: str = "New York"
    #: The reverse domain by which an app knows this brand's payment codes; printed codes hang on it for ever.
    payment_code_id: str = "app.pocketful"
    #: So many points pay one unit of the brand's currency (one dollar); 0: points cannot pay.
    points_per_unit: int = field(default=100, metadata={"least": 0})
    #: Bought gift cards keep their value for so many days after money last came onto them: in the US five years.
    gift_card_least_days: int = 1827
    #: The most that a merchant may owe for printed gift cards that it sold, in minor units of the card's currency.
    gift_card_merchant_most_minor: int = field(default=500_000, metadata={"least": 0})
    #: Whether tills must sign what they redeem: "required" or "optional"; what is signed is always checked.
    terminal_signatures: str = "optional"
    #: How long an offline token lives, and how long after it took one a till may sync it, in hours.
    offline_token_hours: int = 24
    offline_sync_hours: int = 72
    #: The most that one offline token lets a gift card pay, in minor units of the card's currency; 0: no gift cards.
    offline_gift_card_most_minor: int = field(default=5_000, metadata={"least": 0})
    #: A batch of transfers that moves more than this of one currency, or of points, needs a second person.
    batch_approval_above_minor: int = field(default=1_000_000, metadata={"least": 0})
    #: A campaign whose budget comes to more than this (in the brand's currency) needs a second person to start.
    campaign_approval_above_minor: int = field(default=10_000_000, metadata={"least": 0})
    #: TrueType files for letters that the documents' own font lacks, comma-separated.
    document_fonts: str = ""
    #: Whose account payouts to merchants leave: its holder, its IBAN or "USABA:bank:account", its bank's BIC.
    payout_debtor_name: str = ""
    payout_debtor_account: str = ""
    payout_debtor_bic: str = ""
    public_url: str = "http://127.0.0.1:8000"
    #: Hosts that the links of saved templates may lead to, with their subdomains, comma-separated; empty: any.
    link_hosts: str = ""
    #: How many proxies of ours each request passes: that many of the last X-Forwarded-For addresses are believed.
    trusted_proxies: int = field(default=0, metadata={"least": 0})
    minimum_app_version: str = "1.0.0"
    #: The domain that passkeys are made for, for ever; empty: PUBLIC_URL's host.
    passkey_rp_id: str = ""
    #: Further origins that may ask for passkeys, comma-separated: "android:apk-key-hash:..." of the Android app.
    passkey_origins: str = ""
    #: For so many hours a passkey made after no more than a texted code approves no payment.
    passkey_wait_hours: int = field(default=24, metadata={"least": 0})
    payments: bool = True

    #: "version:base64 of 32 bytes", comma-separated.
    key_encryption_keys: str = field(default_factory=lambda: "1:" + _development_secret("kek"), repr=False)
    #: The version that wraps new data keys; 0: the highest.
    wrapping_key_version: int = field(default=0, metadata={"least": 0})
    #: HMAC key of the blind indexes and of codes, tokens and one-time passwords.
    index_key: str = field(default_factory=lambda: _development_secret("index"), repr=False)
    #: The file that keeps who was erased, outside the database and its backups; empty: .data/erasures.
    erasure_register: str = ""
    #: base64 of the 32-byte scalar of the P-256 key that signs access tokens (ES256).
    token_signing_key: str = field(default_factory=lambda: _development_secret("token"), repr=False)
    #: How many days a key signs tokens before the next one does.
    key_rotation_days: int = 90
    #: Whether the brand's apps prove their key (DPoP) at each request, and not at refreshes and step-up alone.
    dpop_every_request: bool = False
    #: base64 of 32-byte Ed25519 keys, comma-separated: the first signs offline tokens, the others are believed as well.
    offline_signing_keys: str = field(default_factory=lambda: _development_secret("offline"), repr=False)
    #: Segment write keys that may post to the ingest door, comma-separated.
    ingest_write_keys: str = field(default="development-write-key", repr=False)

    #: Signing in with Apple and Google: the apps' ids that their tokens may be made for, comma-separated; none: off.
    apple_client_ids: str = ""
    google_client_ids: str = ""
    #: With what we ask Apple for tokens, and it to revoke them: team, key and its .p8 file's content.
    apple_team_id: str = ""
    apple_key_id: str = ""
    apple_private_key: str = field(default="", repr=False)
    apple_api_url: str = ""
    google_api_url: str = ""

    twilio_account_sid: str = ""
    twilio_auth_token: str = field(default="", repr=False)
    twilio_from: str = ""
    twilio_whatsapp_from: str = ""
    #: The approved template (its content id) that a code goes by where it goes by WhatsApp.
    otp_whatsapp_template: str = ""
    #: Countries that codes are sent to (ISO 3166-1 alpha-2), comma-separated; empty: any.
    otp_countries: str = ""
    #: So many codes a day and no more, over all customers; the last tenth is kept for who signed in before.
    otp_daily_most: int = field(default=5_000, metadata={"least": 10})
    #: How long who lost a phone number waits for the new one, while everything known of them is told of it.
    recovery_wait_hours: int = 72
    #: Requests a minute, by who asks ("customer", "staff", "terminal", "source", "address"); one not named asks freely.
    rate_limits: str = _RATE_LIMITS
    #: The brand's apps, which links and passkeys belong to: Apple's TEAM.bundle, comma-separated.
    apple_app_ids: str = ""
    #: Android's package=SHA-256 fingerprint of the certificate that it is signed with, comma-separated.
    android_apps: str = ""
    twilio_api_url: str = ""
    fcm_project_id: str = ""
    fcm_credentials_file: str = ""
    fcm_api_url: str = ""
    smtp_url: str = field(default="", repr=False)
    #: A second account (or region) of Twilio and a second mail server, which take over while the first fails.
    twilio_second_account_sid: str = ""
    twilio_second_auth_token: str = field(default="", repr=False)
    twilio_second_from: str = ""
    twilio_second_api_url: str = ""
    smtp_second_url: str = field(default="", repr=False)
    #: In which order the providers of a channel are tried, where not the first one first.
    sms_routes: str = ""
    email_routes: str = ""
    #: Messages a second that each provider is given at most, over all workers ("twilio=50,fcm=500"); others any number.
    delivery_rates: str = ""
    stripe_secret_key: str = field(default="", repr=False)
    #: What the apps' SDK introduces itself with; no secret.
    stripe_publishable_key: str = ""
    #: What Stripe signs its notices with, comma-separated: two while they are changed over.
    stripe_webhook_secrets: str = field(default="", repr=False)
    stripe_api_url: str = ""
    #: A secret key of Stripe, for identity checks.
    identity_api_key: str = field(default="", repr=False)
    identity_api_url: str = ""
    #: What the provider signs its verdicts with, comma-separated: two while they are changed over.
    identity_webhook_secrets: str = field(default_factory=lambda: _development_secret("identity"), repr=False)

    @property
    def is_production(self) -> bool:
        return self.environment == "production"

    @property
    def time_zone(self) -> ZoneInfo:
        return ZoneInfo(self.brand_time_zone)

    @property
    def erasure_register_path(self) -> Path:
        return Path(self.erasure_register) if self.erasure_register else _PROJECT / ".data" / "erasures"

    @property
    def served_countries(self) -> frozenset[str]:
        """What OTP_COUNTRIES names; none: any."""
        return frozenset(parts(self.otp_countries))

    @property
    def requests_a_minute(self) -> dict[str, int]:
        """By kind of caller, what RATE_LIMITS allows. Tests ask fast, so that only one that names limits has any."""
        if self.environment == "test" and self.rate_limits == _RATE_LIMITS:
            return {}
        return {kind: int(most) for kind, _, most in (part.partition("=") for part in parts(self.rate_limits))}

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """Read the environment, reporting every missing or bad name at once.

        raises  ConfigurationError, one line naming each problem
        """
        environ = os.environ if environ is None else environ
        problems: list[str] = []
        values: dict[str, object] = {}
        for spec in fields(cls):
            raw = environ.get(spec.name.upper())
            if raw is not None and raw != "":
                values[spec.name] = _parse(spec.name.upper(), raw, spec.type, problems, **spec.metadata)
        values = {name: value for name, value in values.items() if value is not None}
        settings = cls(**values)  # type: ignore[arg-type]
        problems += problems_of(settings, given=set(values))
        if problems:
            raise ConfigurationError("Settings: " + "; ".join(problems))
        return settings


def _parse(name: str, raw: str, kind: object, problems: list[str], *, least: int = 1) -> object:
    if kind is int or kind == "int":
        if re.fullmatch("[0-9]{1,9}", raw) and int(raw) >= least:
            return int(raw)
        problems.append(f"{name} must be a whole number of at least {least}")
        return None
    if kind is bool or kind == "bool":
        if raw.lower() in ("1", "true", "on", "yes"):
            return True
        if raw.lower() in ("0", "false", "off", "no"):
            return False
        problems.append(f"{name} must be on or off")
        return None
    return raw
