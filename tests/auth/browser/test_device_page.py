"""The page that lets a device in, before a real browser whose scripts are off."""

import psycopg
from sqlalchemy import text

from auth.oauth import metadata
from core.db import transaction
from tests.auth import partners
from tests.auth.browser.conftest import Site
from tests.auth.browser.tab import Tab
from tests.auth.conftest import PHONE


def test_device_page(tab: Tab, site: Site, sweeper: psycopg.Connection) -> None:
    grants = [metadata.DEVICE_GRANT, "refresh_token"]
    with partners.client(
        sweeper, "screen", kind="app", audience="app", grant_types=grants, name="The <b>big</b> screen"
    ):
        asked = site.app.test_client().post("/oauth/device_authorization", data={"client_id": "screen"}).json
        assert asked is not None
        tab.switch_scripts_off()
        tab.resize(320)

        tab.open(asked["verification_uri_complete"])
        tab.fill("phone", PHONE)
        tab.press("form[action='/sign-in'] button")
        tab.until_title("Enter your code")
        tab.fill("code", site.phone.read_code(PHONE))
        tab.press("form[action='/sign-in/code'] button")
        tab.until_title("Let The <b>big</b> screen in?")
        assert asked["user_code"] in tab.value("document.body.innerText")
        tab.press("button[value=yes]")
        tab.until_title("The device is signed in")

        with transaction() as session:
            assert session.scalar(text("SELECT status FROM auth.device_grant")) == "approved"
