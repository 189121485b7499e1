"""openid-client, unmodified, over TLS: a whole sign-in, refresh, userinfo, logout, PAR, DPoP, devices, tills."""

import psycopg
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from auth import merchants
from auth.oauth.clients import Client
from core import clock
from core.db import transaction
from tests.auth import partners
from tests.auth.clients.node.conftest import SECRET, Run
from tests.auth.conftest import PHONE
from tests.auth.tls import Site

SCRIPT = "openid_client.mjs"
LOGOUT = "https://shop.example/bye"


def a_key() -> tuple[dict[str, str], str]:
    """A key's private JWK, and its public half as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return dict(ECAlgorithm.to_jwk(key, as_dict=True)), key.public_key().public_bytes(*form).decode()


def test_a_whole_sign_in_pushed_first(partner: Client, run: Run, site: Site) -> None:
    told = run(SCRIPT, part="whole", clientId="books", secret=SECRET, logoutUri=LOGOUT)

    assert told["claims"]["iss"] == site.url
    assert told["person"] == {"sub": told["claims"]["sub"], "phone_number": PHONE, "phone_number_verified": True}
    assert (told["before"]["active"], told["after"]["active"]) == (True, False)
    assert told["left"] == f"{LOGOUT}?state=bye"
    assert told["refused"] == "invalid_grant"


def test_a_public_client(public_partner: Client, run: Run) -> None:
    told = run(SCRIPT, part="public", clientId="shop")

    assert told["scope"] == "openid offline_access phone"
    assert told["isNewer"]


def test_a_client_that_proves_its_key(run: Run, sweeper: psycopg.Connection) -> None:
    with partners.client(sweeper, "bound", dpop="always"):
        told = run(SCRIPT, part="dpop", clientId="bound")

    assert told["type"] == "dpop"
    assert told["refused"] == "invalid_grant"


def test_a_device_without_a_keyboard(run: Run, sweeper: psycopg.Connection) -> None:
    grants = ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"]
    with partners.client(sweeper, "screen", kind="app", audience="app", grant_types=grants):
        told = run(SCRIPT, part="device", clientId="screen", scope="openid offline_access")

    assert (told["type"], told["refreshes"]) == ("bearer", True)


def test_a_till_comes_in_by_its_key(run: Run) -> None:
    private, public = a_key()
    with transaction() as session:
        now = clock.now()
        merchant_id = merchants.add_merchant(session, name="Corner Shop", now=now).id
        store_id = merchants.add_store(session, merchant_id=merchant_id, name="Main St", now=now).id
        till_id = merchants.add_terminal(session, store_id=store_id, name="Till 1", public_key=public, now=now).id

    told = run(SCRIPT, part="till", clientId=str(till_id), key=private)

    assert told["token_type"] == "bearer"
    assert "refresh_token" not in told


def test_a_client_that_signs(run: Run, sweeper: psycopg.Connection) -> None:
    private, _ = a_key()
    public = {name: value for name, value in private.items() if name != "d"} | {"alg": "ES256"}
    with partners.client(sweeper, "signs", auth_method="private_key_jwt", key_set={"keys": [public]}):
        assert run(SCRIPT, part="signed", clientId="signs", key=private)["claims"]["aud"] == "signs"


def test_a_no_is_told_in_the_standards_own_words(public_partner: Client, run: Run) -> None:
    assert run(SCRIPT, part="refused", clientId="shop") == "login_required"
