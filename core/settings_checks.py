"""What settings have to be like, so that a wrong one is told before anything opens."""

import base64
import re
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

if TYPE_CHECKING:
    from core.settings import Settings

ENVIRONMENTS = ("development", "test", "production")


def problems_of(settings: "Settings", *, given: set[str]) -> list[str]:
    """What is wrong with these settings, a line each. given: the names that were set, whatever to"""
    found = []
    if settings.environment not in ENVIRONMENTS:
        found.append(f"ENVIRONMENT must be one of {', '.join(ENVIRONMENTS)}")
    if settings.brand_time_zone not in available_timezones():
        found.append(f"BRAND_TIME_ZONE {settings.brand_time_zone!r} is not a time zone")
    if not re.fullmatch("[a-z]{2,3}(-([A-Z]{2}|[0-9]{3}))?", settings.brand_locale):
        found.append("BRAND_LOCALE must be a language, with or without a region, like en or fr-CA")
    if not re.fullmatch("#[0-9A-Fa-f]{6}", settings.brand_colour):
        found.append("BRAND_COLOUR must be like #1F4FA3")
    fonts = [Path(name.strip()) for name in settings.document_fonts.split(",") if name.strip()]
    found += [f"DOCUMENT_FONTS names {font}, which is no file" for font in fonts if not font.is_file()]
    if not re.fullmatch("[A-Z]{3}", settings.brand_currency):
        found.append("BRAND_CURRENCY must be a three-letter currency code")
    if settings.terminal_signatures not in ("optional", "required"):
        found.append("TERMINAL_SIGNATURES must be optional or required")
    if settings.offline_token_hours > 24:
        found.append("OFFLINE_TOKEN_HOURS must be at most 24")
    if settings.offline_sync_hours > 720:
        found.append("OFFLINE_SYNC_HOURS must be at most 720")
    if not re.fullmatch("[A-Z]{2}", settings.brand_country):
        found.append("BRAND_COUNTRY must be a two-letter country code")
    if not re.fullmatch(r"(?=.{3,32}\Z)[a-z0-9-]+(\.[a-z0-9-]+)+", settings.payment_code_id):
        found.append("PAYMENT_CODE_ID must be a reverse domain of at most 32 characters, like com.example.pay")
    if settings.database_url and not settings.database_url.startswith(("postgresql://", "postgres://")):
        found.append("DATABASE_URL must begin with postgresql://")
    for name in ("index_key", "token_signing_key"):
        if not _is_key(getattr(settings, name)):
            found.append(f"{name.upper()} must be base64 of 32 bytes")
    offline = [part.strip() for part in settings.offline_signing_keys.split(",")]
    if len(set(offline)) < len(offline) or not all(_is_key(part) for part in offline):
        found.append("OFFLINE_SIGNING_KEYS must be base64 of 32 bytes, comma-separated, each once")
    if not _are_versioned_keys(settings.key_encryption_keys):
        found.append("KEY_ENCRYPTION_KEYS must be version:base64-of-32-bytes, comma-separated, each version once")
    elif settings.wrapping_key_version and settings.wrapping_key_version not in _versions(settings.key_encryption_keys):
        found.append("WRAPPING_KEY_VERSION must be a version of KEY_ENCRYPTION_KEYS")
    if not settings.public_url.startswith(("http://", "https://")):
        found.append("PUBLIC_URL must begin with https://")
    if not re.fullmatch(r"(\s*[a-z_]+=([1-9][0-9]{0,5}|0\.[0-9]{0,3}[1-9])\s*(,(?=.)|$))*", settings.delivery_rates):
        found.append("DELIVERY_RATES must be like twilio=50,fcm=500: messages a second of each provider")
    if not all(re.fullmatch("[A-Z]{2}", part) for part in settings.served_countries):
        found.append("OTP_COUNTRIES must be two-letter country codes, comma-separated: US,CA")
    if not all(
        re.fullmatch("(customer|staff|terminal|source|address)=[0-9]{1,7}", p) for p in parts(settings.rate_limits)
    ):
        found.append("RATE_LIMITS must be like customer=600,address=3000: requests a minute; 0: any number")
    if not all(re.fullmatch(r"[A-Z0-9]{10}\.[A-Za-z0-9.-]{1,155}", part) for part in parts(settings.apple_app_ids)):
        found.append("APPLE_APP_IDS must be team.bundle, comma-separated: ABCDE12345.com.example.app")
    android = r"[A-Za-z0-9_.]{1,255}=([0-9A-F]{2}:){31}[0-9A-F]{2}"
    if not all(re.fullmatch(android, part) for part in parts(settings.android_apps)):
        found.append("ANDROID_APPS must be package=SHA-256 fingerprint, comma-separated: com.example.app=14:6D:…")
    if settings.stripe_secret_key and not (settings.stripe_publishable_key and settings.stripe_webhook_secrets):
        found.append("STRIPE_SECRET_KEY needs STRIPE_PUBLISHABLE_KEY and STRIPE_WEBHOOK_SECRETS beside it")
    if settings.is_production:
        found += _production_problems(settings, given)
    return found


def _production_problems(settings: "Settings", given: set[str]) -> list[str]:
    secret = (
        "database_url",
        "key_encryption_keys",
        "index_key",
        "token_signing_key",
        "offline_signing_keys",
        "ingest_write_keys",
        "public_url",
    )
    # Guessed too low, all customers would share the proxy's address, and with it one limit of sign-ins.
    # A register that goes with the server forgets whom a restored backup knows again.
    needed = (*secret, "trusted_proxies", "erasure_register")
    found = [f"{name.upper()} must be set in production" for name in needed if name not in given]
    defaults = type(settings)()
    found += [
        f"{name.upper()} is a development default"
        for name in secret
        # One old key among new ones opens as much as one alone.
        if name in given and _holds(getattr(settings, name), getattr(defaults, name))
    ]
    # Whoever can sign a verdict raises anyone's limits.
    if settings.identity_api_key and _holds(settings.identity_webhook_secrets, defaults.identity_webhook_secrets):
        found.append("IDENTITY_WEBHOOK_SECRETS must be set in production where IDENTITY_API_KEY is")
    # A customer signs in by a code that is sent as a text message.
    sms = ("twilio_account_sid", "twilio_auth_token", "twilio_from")
    found += [f"{name.upper()} must be set in production" for name in sms if not getattr(settings, name)]
    if not settings.public_url.startswith("https://"):
        # Browsers keep a sign-in's cookies, and make passkeys, over https alone.
        found.append("PUBLIC_URL must begin with https:// in production")
    return found


def _holds(given: str, default: str) -> bool:
    """Whether any comma-separated part of a secret is the default's, under whatever version."""
    return default.rpartition(":")[2] in {part.rpartition(":")[2].strip() for part in given.split(",")}


def _versions(text: str) -> set[int]:
    return {int(part.partition(":")[0]) for part in text.split(",")}


def _are_versioned_keys(text: str) -> bool:
    pairs = [part.partition(":") for part in text.split(",")]
    versions = [version for version, _, _ in pairs]
    return len(set(versions)) == len(versions) and all(
        re.fullmatch("[0-9]{1,4}", version) and _is_key(key) for version, _, key in pairs
    )


def parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 32
    except ValueError:
        return False
