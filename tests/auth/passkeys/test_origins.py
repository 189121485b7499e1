"""For which domain passkeys are made, and who may ask for them, by the settings."""

import pytest

from auth.passkeys import origins
from core.errors import ConfigurationError
from core.settings import Settings


def of(**given: object) -> origins.RelyingParty:
    return origins.of(Settings(**given))  # type: ignore[arg-type]


def test_a_brands_own_domain_is_enough() -> None:
    party = of(environment="production", public_url="https://app.example.com")

    assert (party.id, party.origins) == ("app.example.com", ("https://app.example.com",))


def test_passkeys_may_be_made_for_the_domain_above() -> None:
    party = of(environment="production", public_url="https://api.example.com:8443", passkey_rp_id="example.com")

    assert party.id == "example.com"
    assert party.origins == ("https://example.com", "https://api.example.com:8443")


def test_an_address_that_has_nothing_to_do_with_the_domain_asks_for_none() -> None:
    party = of(environment="production", public_url="https://notexample.com", passkey_rp_id="example.com")

    assert party.origins == ("https://example.com",)


def test_the_android_app_is_named_by_its_key() -> None:
    app = "android:apk-key-hash:pNiP5iKyQ8JwgGOaKA1zGPUPJIS-0H1xKCQcfIoGLck"

    party = of(
        environment="production", public_url="https://example.com", passkey_origins=f"{app}, https://a.example.com"
    )

    assert party.origins == ("https://example.com", app, "https://a.example.com")


def test_on_a_developers_machine_an_address_is_known_as_localhost() -> None:
    party = of(public_url="http://127.0.0.1:8000")

    assert (party.id, party.origins) == ("localhost", ("https://localhost", "http://localhost:8000"))


def test_in_production_no_page_without_tls_asks() -> None:
    party = of(environment="production", public_url="https://127.0.0.1:8000")

    assert party.origins == ("https://localhost",)


@pytest.mark.parametrize(
    "domain", ["https://example.com", "Example.com", "192.0.2.1", "example.com/", "example.com:443"]
)
def test_what_is_no_domain_keeps_the_process_from_starting(domain: str) -> None:
    with pytest.raises(ConfigurationError):
        of(passkey_rp_id=domain)
