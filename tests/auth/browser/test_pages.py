"""Our pages before a real browser: without scripts, in the brand's colour, in a narrow window, with a passkey."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from core.web import hosted
from tests.auth import partners
from tests.auth.browser.conftest import Partners, Site, asking
from tests.auth.browser.tab import Tab
from tests.auth.conftest import PHONE, VERIFIER


def sign_in(tab: Tab, site: Site, address: str) -> None:
    """With the telephone, as far as the page that comes then."""
    tab.open(address)
    tab.fill("phone", PHONE)
    tab.press("form[action='/sign-in'] button")
    tab.until_title("Enter your code")
    tab.fill("code", site.phone.read_code(PHONE))
    tab.press("form[action='/sign-in/code'] button")


def test_phone_sign_in_works_without_scripts(tab: Tab, site: Site, partner: object, partners_server: Partners) -> None:
    tab.switch_scripts_off()
    sign_in(tab, site, asking(site, f"{partners_server.url}/back?web=1"))
    tab.until_title("Let Bakery <b> in?")
    tab.press("button[value=yes]")
    tab.until_title("Welcome")

    assert tab.address == f"{partners_server.url}/done"
    [back] = [path for path in partners_server.asked if path.startswith("/back")]
    assert "code=" in back and "state=s" in back


def test_a_partners_own_redirect_to_its_app_is_followed(
    tab: Tab, site: Site, partner: object, partners_server: Partners
) -> None:
    """Chromium holds a page's form-action against each hop after its form, also those of the partner's own."""
    sign_in(tab, site, asking(site, f"{partners_server.url}/back"))
    tab.until_title("Let Bakery <b> in?")
    tab.press("button[value=yes]")
    tab.until(lambda: any(path.startswith("/back") for path in partners_server.asked), "the partner")
    tab.until(lambda: bool(_left_for(tab, "com.example.partner:/done")), "the partner's app")

    assert _violations(tab) == []


@pytest.mark.parametrize("has_scripts", [True, False])
def test_a_code_comes_by_a_form(
    tab: Tab, site: Site, partner: object, partners_server: Partners, has_scripts: bool
) -> None:
    if not has_scripts:
        tab.switch_scripts_off()
    sign_in(tab, site, asking(site, f"{partners_server.url}/back", response_mode="form_post"))
    tab.until_title("Let Bakery <b> in?")
    tab.press("button[value=yes]")
    if not has_scripts:
        tab.until_title("One moment")
        tab.press("button")
    tab.until_title("Welcome")

    [told] = [asked for asked in partners_server.asked if asked.startswith("/back ")]
    assert "code=" in told and "state=s" in told and "iss=" in told


def test_the_pages_wear_the_brands_colour(tab: Tab, site: Site, partner: object, partners_server: Partners) -> None:
    tab.open(asking(site, f"{partners_server.url}/back"))

    look = tab.value(
        "(() => { const found = getComputedStyle(document.querySelector('button')); "
        "return [found.backgroundColor, found.color] })()"
    )

    assert look == ["rgb(11, 110, 79)", "rgb(255, 255, 255)"]


@pytest.mark.parametrize("colour", ["#FFFFFF", "#000000", "#FFD400", "#777777", "#0B6E4F", "#FF0000", "#00FF00"])
def test_text_on_the_brands_colour_can_be_read(colour: str) -> None:
    lighter, darker = sorted((hosted._luminance(colour), hosted._luminance(hosted.text_on(colour))), reverse=True)

    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def test_the_pages_fit_a_narrow_window(tab: Tab, site: Site, partner: object, partners_server: Partners) -> None:
    tab.resize(320)
    sign_in(tab, site, asking(site, f"{partners_server.url}/back", scope="openid profile phone email offline_access"))
    tab.until_title("Let Bakery <b> in?")
    widths = [tab.value(_OVERHANG)]
    for path in ("/sign-in", "/sign-in/code"):
        tab.open(tab.value(f"location.href.replace('/sign-in/consent', '{path}')"))
        widths.append(tab.value(_OVERHANG))
        tab.value("history.back()")
        tab.until_title("Let Bakery <b> in?")

    assert widths == [0, 0, 0]


def test_consent_is_asked_once(tab: Tab, site: Site, partner: object, partners_server: Partners) -> None:
    address = asking(site, f"{partners_server.url}/back?web=1")
    sign_in(tab, site, address)
    tab.until_title("Let Bakery <b> in?")
    tab.press("button[value=yes]")
    tab.until_title("Welcome")

    tab.open(address)

    assert tab.title == "Welcome"
    assert len([path for path in partners_server.asked if path.startswith("/back")]) == 2


def test_a_second_app_is_signed_in_to_without_asking(
    tab: Tab, site: Site, partner: object, partners_server: Partners, sweeper: psycopg.Connection
) -> None:
    sign_in(tab, site, asking(site, f"{partners_server.url}/back?web=1"))
    tab.until_title("Let Bakery <b> in?")
    uri = f"{partners_server.url}/back?web=2"
    with partners.client(sweeper, "second-app", kind="app", audience="app", redirect_uris=[uri]):
        tab.open(asking(site, uri, "second-app"))
        assert tab.title == "Welcome"


def test_no_script_runs_but_ours(tab: Tab, site: Site, partner: object, partners_server: Partners) -> None:
    hint = "+1\"><img src=x onerror=document.title='owned'><script>document.title='owned'</script>"
    tab.open(asking(site, f"{partners_server.url}/back", login_hint=hint))
    tab.value("document.body.insertAdjacentHTML('beforeend', `<img src=x onerror=\"window.owned=1\">`)")
    tab.value("document.body.append(Object.assign(document.createElement('script'), {text: 'window.owned=1'}))")

    assert tab.value("document.title") == "Sign in to Bakery <b> · Green & Co"
    assert tab.value("window.owned ?? null") is None
    assert any("Content Security Policy" in told for told in _violations(tab))


def test_back_after_the_code_shows_no_form(tab: Tab, site: Site, partner: object, partners_server: Partners) -> None:
    sign_in(tab, site, asking(site, f"{partners_server.url}/back?web=1"))
    tab.until_title("Let Bakery <b> in?")
    tab.press("button[value=yes]")
    tab.until_title("Welcome")

    tab.value("history.back()")

    tab.until_title("This sign-in is over")
    assert tab.value("document.forms.length") == 0


def test_a_partners_page_gets_its_tokens_by_script(
    tab: Tab, site: Site, partner: object, partners_server: Partners
) -> None:
    uri = f"{partners_server.url}/back?web=1"
    sign_in(tab, site, asking(site, uri))
    tab.until_title("Let Bakery <b> in?")
    tab.press("button[value=yes]")
    tab.until_title("Welcome")
    [back] = [path for path in partners_server.asked if path.startswith("/back")]
    form = {
        "grant_type": "authorization_code", "client_id": "bakery", "code_verifier": VERIFIER, "redirect_uri": uri,
        "code": parse_qs(urlsplit(back).query)["code"][0],
    }  # fmt: skip

    told = tab.value(_FETCH % (json.dumps(site.url), json.dumps(form)))

    assert told["sub"]


_FETCH = """
(async (site, form) => {
  const tokens = await fetch(`${site}/oauth/token`, { method: "POST", body: new URLSearchParams(form) });
  const headers = { Authorization: `Bearer ${(await tokens.json()).access_token}` };
  return (await fetch(`${site}/oauth/userinfo`, { headers })).json();
})(%s, %s)
"""


def test_who_signs_out_is_asked_for_the_number_again(
    tab: Tab, site: Site, partner: object, partners_server: Partners
) -> None:
    address = asking(site, f"{partners_server.url}/back?web=1")
    sign_in(tab, site, address)
    tab.until_title("Let Bakery <b> in?")

    tab.open(f"{site.url}/oauth/logout")
    assert tab.title == "Sign out?"
    tab.press("form[action='/sign-out'] button")
    tab.until_title("You are signed out")

    tab.open(address)
    assert tab.title == "Sign in to Bakery <b>"


_OVERHANG = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def _violations(tab: Tab) -> list[str]:
    entries = [event["entry"]["text"] for event in tab.events("Log.entryAdded")]
    return [text for text in entries if "Content Security Policy" in text]


def _left_for(tab: Tab, address: str) -> list[Any]:
    asked = [event["request"]["url"] for event in tab.events("Network.requestWillBeSent")]
    told = [event["url"] for event in tab.events("Page.frameRequestedNavigation")]
    return [url for url in asked + told if url.startswith(address)]
