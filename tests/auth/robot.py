"""A person at a browser, played over HTTP: follows redirects, fills our forms in, and reads the code that was texted.

It knows nothing of the pages but their forms, so that any client can be tested with it: `Robot(app).sign_in(url)` gives
the address at the client's that the browser was sent to in the end.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import requests
from werkzeug.test import Client

PHONE = "+12125550142"


@dataclass
class Form:
    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)
    is_hidden: bool = False


class Forms(HTMLParser):
    """The forms of a page, as a browser without scripts sees them."""

    def __init__(self, page: str, address: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._address = address
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            target = urljoin(self._address, given.get("action") or self._address)
            self.found.append(Form(target, is_hidden="hidden" in given))
        elif tag == "input" and self.found:
            self.found[-1].fields[given.get("name", "")] = given.get("value", "")
        elif tag == "button" and self.found:
            self.found[-1].buttons.append((given.get("name", ""), given.get("value", "")))


@dataclass
class Page:
    """What a browser shows, or the address outside that it was sent to."""

    address: str
    status: int = 0
    text: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        found = re.search(r"<h1>(.*?)</h1>", self.text)
        return unescape(found[1]) if found else ""

    @property
    def forms(self) -> list[Form]:
        return [form for form in Forms(self.text, self.address).found if not form.is_hidden]


class Browser:
    """A browser's cookies and its way of following redirects, within one site."""

    def __init__(self, site: str) -> None:
        self.site = site.rstrip("/")

    def open(self, address: str) -> Page:
        return self._followed("GET", address, None)

    def send(self, form: Form, **filled: str) -> Page:
        name, value = form.buttons[0]
        return self._followed("POST", form.action, {**form.fields, **filled, **({name: value} if name else {})})

    def ask(self, method: str, address: str, data: dict[str, str] | None) -> Page:
        raise NotImplementedError

    def _followed(self, method: str, address: str, data: dict[str, str] | None) -> Page:
        page = self.ask(method, address, data)
        for _ in range(10):
            if page.status not in (302, 303):
                return page
            address = urljoin(page.address, page.headers["Location"])
            if not self.is_ours(address):
                return Page(address, page.status)
            page = self.ask("GET", address, None)
        raise AssertionError(f"it goes round in circles at {address}")

    def is_ours(self, address: str) -> bool:
        return address.startswith(f"{self.site}/")


class FlaskBrowser(Browser):
    """Over the test client of the app itself."""

    def __init__(self, client: Client, site: str = "http://127.0.0.1:8000", address: str = "192.0.2.1") -> None:
        super().__init__(site)
        self.client = client
        self.remote = address

    def ask(self, method: str, address: str, data: dict[str, str] | None) -> Page:
        parts = urlsplit(address)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        headers = {"Origin": self.site} if method == "POST" else {}
        answer = self.client.open(
            path, method=method, data=data, headers=headers, base_url=self.site,
            environ_overrides={"REMOTE_ADDR": self.remote},
        )  # fmt: skip
        return Page(f"{self.site}{path}", answer.status_code, answer.get_data(as_text=True), dict(answer.headers))


class WebBrowser(Browser):
    """Over a server's socket. verify: the authority that its certificate is held against"""

    def __init__(self, site: str, verify: str | bool = True) -> None:
        super().__init__(site)
        self.session = requests.Session()
        self.session.verify = verify

    def ask(self, method: str, address: str, data: dict[str, str] | None) -> Page:
        headers = {"Origin": self.site} if method == "POST" else {}
        answer = self.session.request(method, address, data=data, headers=headers, allow_redirects=False, timeout=30)
        return Page(address, answer.status_code, answer.text, dict(answer.headers))


class Robot:
    """Somebody with a telephone, at a browser.

    read_code  gives the code that was texted last to a number (tests/auth/conftest: `Phone.read_code`)
    """

    def __init__(self, browser: Browser, read_code: Callable[[str], str], number: str = PHONE) -> None:
        self.browser, self.read_code, self.number = browser, read_code, number

    def sign_in(self, address: str) -> str:
        """Do whatever the pages ask for, and say where outside the browser ends: the client's own address."""
        return self.through(address)[-1].address

    def through(self, address: str) -> list[Page]:
        """The pages on the way; the last is the address outside, or a page of ours that only tells."""
        seen = [self.browser.open(address)]
        while self.browser.is_ours(seen[-1].address) and (seen[-1].status != 200 or seen[-1].forms):
            seen.append(self.answer(seen[-1]))
            assert len(seen) < 10, [page.title for page in seen]
        return seen

    def answer(self, page: Page) -> Page:
        """Fill in what a page asks for, and press its first button."""
        forms = page.forms
        assert page.status == 200 and forms, (page.address, page.status, page.text)
        if "phone" in forms[0].fields:
            return self.browser.send(forms[0], phone=self.number)
        if "code" in forms[0].fields:
            return self.browser.send(forms[0], code=self.read_code(self.number))
        return self.browser.send(forms[0])
