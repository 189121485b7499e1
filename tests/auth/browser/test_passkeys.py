"""Passkeys before a real browser, with a virtual authenticator: made in the app, they sign in at a partner's."""

import json
from urllib.parse import parse_qs, urlsplit

import jwt
from sqlalchemy import delete

from auth import customers
from auth.passkeys import registering
from auth.passkeys.models import Passkey
from auth.proofs import Owner
from core import clock
from core.db import transaction
from tests.auth.browser.conftest import Partners, Site, asking
from tests.auth.browser.tab import Tab
from tests.auth.conftest import PHONE, VERIFIER


def test_a_passkey_of_the_app_signs_in_at_a_partners(
    tab: Tab, site: Site, partner: object, partners_server: Partners
) -> None:
    _with_passkey(tab, site)
    tab.open(asking(site, f"{partners_server.url}/back?web=1", acr_values="phr"))
    tab.press("#passkey button")
    tab.until_title("Let Bakery <b> in?")
    tab.press("button[value=yes]")
    tab.until_title("Welcome")

    [back] = [path for path in partners_server.asked if path.startswith("/back")]
    code = parse_qs(urlsplit(back).query)["code"][0]
    form = {
        "grant_type": "authorization_code", "client_id": "bakery", "code": code, "code_verifier": VERIFIER,
        "redirect_uri": f"{partners_server.url}/back?web=1",
    }  # fmt: skip
    token = site.app.test_client().post("/oauth/token", data=form).json["id_token"]  # type: ignore[index]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["acr"], "user" in claims["amr"]) == ("phr", True)


def test_a_passkey_without_its_owners_yes_is_refused(
    tab: Tab, site: Site, partner: object, partners_server: Partners
) -> None:
    authenticator = _with_passkey(tab, site)
    tab.call("WebAuthn.setUserVerified", authenticatorId=authenticator, isUserVerified=False)
    tab.open(asking(site, f"{partners_server.url}/back"))
    tab.press("#passkey button")
    tab.until(lambda: tab.value("!document.querySelector('#passkey .problem').hidden"), "the problem")

    assert tab.title == "Sign in to Bakery <b>"


def test_a_passkey_that_nobody_knows_is_refused(
    tab: Tab, site: Site, partner: object, partners_server: Partners
) -> None:
    _with_passkey(tab, site)
    with transaction() as session:
        session.execute(delete(Passkey))
    tab.open(asking(site, f"{partners_server.url}/back"))
    tab.press("#passkey button")
    tab.until(lambda: "does not work here" in tab.value("document.body.innerText"), "the refusal")

    tab.fill("phone", PHONE)
    tab.press("form[action='/sign-in'] button")
    tab.until_title("Enter your code")


def test_without_scripts_nobody_is_offered_a_passkey(
    tab: Tab, site: Site, partner: object, partners_server: Partners
) -> None:
    tab.switch_scripts_off()
    tab.open(asking(site, f"{partners_server.url}/back"))

    assert tab.value("document.querySelector('#passkey').getBoundingClientRect().width") == 0


_CREATE = """
navigator.credentials.create({publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(%s)})
    .then((made) => JSON.stringify(made.toJSON()))
"""


def _with_passkey(tab: Tab, site: Site) -> str:
    """A customer's passkey, made on a page of ours; the authenticator that keeps it."""
    authenticator, now = tab.add_authenticator(), clock.now()
    tab.open(f"{site.url}/sign-in")
    with transaction() as session:
        customer = customers.sign_up(session, phone=PHONE, locale=None, time_zone=None, now=now)
        owner = Owner(customer_id=customer.id)
        ceremony, options = registering.options(session, owner, name="•••0142", now=now)
    made = json.loads(tab.value(_CREATE % json.dumps(options)))
    with transaction() as session:
        registering.add(session, owner, ceremony, made, name="Telephone", is_trusted=True, now=now)
    return authenticator
