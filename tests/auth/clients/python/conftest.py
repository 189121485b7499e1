"""What the tests of real clients share: the application behind TLS, a partner, and somebody at a browser."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import requests
from flask import Flask

from auth.oauth import authenticating
from auth.oauth.clients import Client
from tests.auth import partners
from tests.auth.conftest import Phone
from tests.auth.robot import Robot, WebBrowser
from tests.auth.tls import Site, serving_tls

SECRET = "a partner's secret, as registering draws one"


@pytest.fixture
def site(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    # `requests` would trust these instead of what its session is told.
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with serving_tls(app, tmp_path) as site:
        yield site


@pytest.fixture
def metadata(site: Site) -> dict[str, str]:
    """What a client finds out by itself."""
    found: dict[str, str] = requests.get(
        f"{site.url}/.well-known/openid-configuration", verify=site.authority, timeout=30
    ).json()
    assert found["issuer"] == site.url
    return found


@pytest.fixture
def public_partner(database: None, sweeper: psycopg.Connection) -> Iterator[Client]:
    with partners.client(sweeper, "shop") as client:
        yield client


@pytest.fixture
def partner(database: None, sweeper: psycopg.Connection) -> Iterator[Client]:
    """One with a secret."""
    kept = authenticating.kept_secret("books", SECRET)
    with partners.client(
        sweeper, "books", auth_method="client_secret_basic", secret=kept, logout_uris=["https://shop.example/bye"]
    ) as client:
        yield client


@pytest.fixture
def robot(site: Site, phone: Phone) -> Robot:
    """Somebody at a browser, who does what our pages ask for."""
    return Robot(WebBrowser(site.url, site.authority), phone.read_code)
