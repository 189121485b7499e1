"""Staff over two server processes: one invitation lets one in, five wrong codes lock whichever process they come to."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from urllib.parse import urlsplit

import requests
from flask import Flask
from sqlalchemy import text

from core.db import transaction
from tests.auth.robot import Page, WebBrowser
from tests.auth.staff.conftest import BACK, EMAIL, Person, admin_app, forms_of, invite

__all__ = ["admin_app"]

AT_ONCE = 30


class Visitor(WebBrowser):
    """A browser that is old enough to name no Origin: the server calls itself by another port here."""

    def ask(self, method: str, address: str, data: dict[str, str] | None) -> Page:
        answer = self.session.request(method, address, data=data, allow_redirects=False, timeout=30)
        return Page(
            address, answer.status_code, answer.text, {name.title(): told for name, told in answer.headers.items()}
        )


def person_at(server: str, app: Flask) -> Person:
    person = Person(app)
    person.browser = Visitor(server)
    return person


def together(act: Callable[[], requests.Response]) -> Counter[int]:
    """How often each status was answered, of so many at one moment."""
    ready = Barrier(AT_ONCE)

    def one(_: int) -> int:
        ready.wait()
        return act().status_code

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return Counter(pool.map(one, range(AT_ONCE)))


def test_of_thirty_who_bring_one_invitation_to_two_processes_one_joins(
    lasting_server: str, app: Flask, admin_app: None
) -> None:
    invite(EMAIL, "support")
    ada = person_at(lasting_server, app)
    link = f"{lasting_server}{urlsplit(ada.link()).path}"
    page = ada.send(ada.browser.open(link), "/authenticator")
    ada.read_key(page)

    statuses = together(lambda: requests.post(f"{link}/authenticator/proof", data={"shown": ada.shown()}, timeout=30))

    assert statuses == {200: 1, 410: AT_ONCE - 1}
    with transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM auth.staff_recovery_code")) == 10
        assert session.scalar(text("SELECT count(*) FROM core.event WHERE name = 'staff.joined'")) == 1


def test_of_thirty_wrong_codes_at_two_processes_five_are_judged_and_lock(
    lasting_server: str, app: Flask, admin_app: None
) -> None:
    invite(EMAIL, "support")
    ada = person_at(lasting_server, app)
    ada.join_with_authenticator(f"{lasting_server}{urlsplit(ada.link()).path}")
    page = ada.have_code_mailed()
    [form] = [form for form in forms_of(page) if form.action.endswith("/codes")]
    wrong = "000000" if ada.shown() != "000000" else "000001"
    sent = {**form.fields, "mailed": ada.mailed_code(), "shown": wrong}
    cookies = ada.browser.session.cookies.get_dict()  # type: ignore[attr-defined]

    statuses = together(lambda: requests.post(form.action, data=sent, cookies=cookies, timeout=30))

    assert statuses == {400: AT_ONCE}
    with transaction() as session:
        assert session.scalar(text("SELECT locked_until > now() FROM auth.staff"))
        assert session.scalar(text("SELECT tries FROM auth.staff_sign_in")) == 5
    again = ada.have_code_mailed()
    locked = ada.send(again, "/codes", mailed=ada.mailed_code(), shown=ada.shown())
    assert (locked.status, BACK in locked.address) == (429, False)
