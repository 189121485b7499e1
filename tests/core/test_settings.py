"""Settings say everything that is wrong at once, and production starts with no secret of ours."""

import base64
import itertools
from typing import Any

import pytest

from core.errors import ConfigurationError
from core.settings import Settings

_numbers = itertools.count(1)


def key() -> str:
    """Another key each time, and the same ones in every test process: they stand in tests' names."""
    return base64.b64encode(next(_numbers).to_bytes(32)).decode()


def production(**change: str) -> dict[str, str]:
    complete = {
        "ENVIRONMENT": "production",
        "DATABASE_URL": "postgresql://db.example/pocketful",
        "PUBLIC_URL": "https://brand.example",
        "TRUSTED_PROXIES": "0",
        "KEY_ENCRYPTION_KEYS": f"1:{key()},2:{key()}",
        "INDEX_KEY": key(),
        "TOKEN_SIGNING_KEY": key(),
        "OFFLINE_SIGNING_KEYS": f"{key()},{key()}",
        "INGEST_WRITE_KEYS": "one,two",
        "ERASURE_REGISTER": "/srv/pocketful/erasures",
        "TWILIO_ACCOUNT_SID": "AC1",
        "TWILIO_AUTH_TOKEN": "token",
        "TWILIO_FROM": "+12125550100",
    }
    return complete | change


def refused(environ: dict[str, str]) -> str:
    with pytest.raises(ConfigurationError) as error:
        Settings.from_env(environ)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_developer_needs_to_set_nothing() -> None:
    assert Settings.from_env({}) == Settings()


def test_production_starts_when_everything_is_set() -> None:
    assert Settings.from_env(production()).is_production


def test_an_empty_name_is_one_that_is_not_set() -> None:
    assert Settings.from_env({"DATABASE_POOL_SIZE": ""}).database_pool_size == Settings().database_pool_size


def test_every_problem_is_told_in_one_line() -> None:
    told = refused(
        {
            "ENVIRONMENT": "prod",
            "DATABASE_URL": "mysql://x",
            "DATABASE_POOL_SIZE": "many",
            "BRAND_CURRENCY": "U$D",
            "BRAND_TIME_ZONE": "Mars/Olympus",
            "PUBLIC_URL": "brand.example",
            "PAYMENTS": "perhaps",
            "INDEX_KEY": "short",
            "TOKEN_SIGNING_KEY": "not base64!",
            "OFFLINE_SIGNING_KEYS": f"{Settings().index_key},short",
            "OFFLINE_TOKEN_HOURS": "25",
            "KEY_ENCRYPTION_KEYS": "none",
        }
    )

    for name in (
        "ENVIRONMENT",
        "DATABASE_URL",
        "DATABASE_POOL_SIZE",
        "BRAND_CURRENCY",
        "BRAND_TIME_ZONE",
        "PUBLIC_URL",
    ):
        assert name in told
    keys = ("INDEX_KEY", "TOKEN_SIGNING_KEY", "KEY_ENCRYPTION_KEYS", "OFFLINE_SIGNING_KEYS")
    for name in ("PAYMENTS", "OFFLINE_TOKEN_HOURS", *keys):
        assert name in told


@pytest.mark.parametrize("size", ["0", "-1", "1.5", "²", "9" * 30])
def test_a_pool_size_is_a_whole_number_above_zero(size: str) -> None:
    assert "DATABASE_POOL_SIZE" in refused({"DATABASE_POOL_SIZE": size})


def test_production_is_reached_by_https_since_browsers_keep_a_sign_in_over_nothing_else() -> None:
    assert "PUBLIC_URL" in refused(production(PUBLIC_URL="http://brand.example"))


def test_production_names_every_secret_that_is_missing() -> None:
    told = refused({"ENVIRONMENT": "production"})

    for name in set(production()) - {"ENVIRONMENT"}:
        assert name in told


DEFAULTS = {
    "KEY_ENCRYPTION_KEYS": Settings().key_encryption_keys,
    "INDEX_KEY": Settings().index_key,
    "TOKEN_SIGNING_KEY": Settings().token_signing_key,
    "OFFLINE_SIGNING_KEYS": Settings().offline_signing_keys,
    "INGEST_WRITE_KEYS": Settings().ingest_write_keys,
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_production_refuses_each_default_secret(name: str) -> None:
    assert refused(production(**{name: DEFAULTS[name]})) == f"Settings: {name} is a development default"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KEY_ENCRYPTION_KEYS", f"7:{key()}," + Settings().key_encryption_keys.replace("1:", "8:")),
        ("INGEST_WRITE_KEYS", f"mine, {Settings().ingest_write_keys}"),
        ("OFFLINE_SIGNING_KEYS", f"{key()},{Settings().offline_signing_keys}"),
    ],
)
def test_production_refuses_a_default_secret_among_others(name: str, value: str) -> None:
    assert refused(production(**{name: value})) == f"Settings: {name} is a development default"


def test_production_takes_verdicts_on_identities_under_no_default_secret() -> None:
    told = refused(production(IDENTITY_API_KEY="rk_live_1"))

    assert told == "Settings: IDENTITY_WEBHOOK_SECRETS must be set in production where IDENTITY_API_KEY is"
    assert Settings.from_env(production(IDENTITY_API_KEY="rk_live_1", IDENTITY_WEBHOOK_SECRETS="whsec_1")).is_production


@pytest.mark.parametrize("keys", [f"1:{key()},1:{key()}", f"x:{key()}", f"99999:{key()}", "1:" + key()[:-4]])
def test_key_encryption_keys_have_each_a_version_of_their_own(keys: str) -> None:
    assert "KEY_ENCRYPTION_KEYS" in refused({"KEY_ENCRYPTION_KEYS": keys})


def test_secrets_are_not_shown() -> None:
    secrets: dict[str, Any] = {**DEFAULTS, "TWILIO_AUTH_TOKEN": "hush-hush"}
    shown = repr(Settings.from_env({"TWILIO_AUTH_TOKEN": "hush-hush"}))

    assert [name for name, secret in secrets.items() if secret in shown] == []


@pytest.mark.parametrize(
    ("name", "bad", "good"),
    [
        ("BRAND_COUNTRY", "USA", "GB"),
        ("PAYMENT_CODE_ID", "Example Pay", "com.example.pay"),
        ("PAYMENT_CODE_ID", "a." + "b" * 31, "a." + "b" * 30),
        ("POINTS_PER_UNIT", "-1", "0"),
        ("BRAND_LOCALE", "English", "en"),
        ("BRAND_LOCALE", "fr_CA", "fr-CA"),
        ("BRAND_LOCALE", "es-41", "es-419"),
    ],
)
def test_what_codes_points_and_messages_hang_on_is_checked(name: str, bad: str, good: str) -> None:
    assert name in refused({name: bad})
    Settings.from_env({name: good})


@pytest.mark.parametrize("rates", ["twilio", "twilio=", "twilio=0", "twilio=-1", "twilio=50;fcm=5", "=5", "twilio=5,"])
def test_rate_that_cannot_be_read_is_named(rates: str) -> None:
    with pytest.raises(ConfigurationError, match="DELIVERY_RATES must be like"):
        Settings.from_env({"DELIVERY_RATES": rates})


@pytest.mark.parametrize("rates", ["twilio=50", "twilio=50, fcm=500,smtp=0.5", "twilio_second=1"])
def test_rates_are_taken(rates: str) -> None:
    assert Settings.from_env({"DELIVERY_RATES": rates}).delivery_rates == rates
