"""Linking identities over HTTP."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from auth import customers, tokens
from auth.federated import nonces
from core import clock
from core.db import transaction
from core.delivery.models import Message
from core.web.principals import Principal
from tests.auth.conftest import Watch
from tests.standins.identity_provider import IdentityProvider

PATH = "/app/v1/identities"


class App:
    """An app of a customer who has just signed in, or some time ago."""

    def __init__(self, app: Flask, number: str = "+12125550142", signed_in_ago: timedelta = timedelta()) -> None:
        now = clock.now()
        with transaction() as session:
            self.id: UUID = customers.sign_up(session, phone=number, locale=None, time_zone=None, now=now).id
        who = Principal(kind="customer", id=self.id, auth_time=int((now - signed_in_ago).timestamp()), acr="1fa")
        token = tokens.mint(who, audience=tokens.APP, client_id="an-app", now=now)
        self._headers = {"Authorization": f"Bearer {token}"}
        self._client = app.test_client()

    def get(self) -> Any:
        return self._client.get(PATH, headers=self._headers).json

    def post(self, path: str = PATH, **body: Any) -> Any:
        return self._client.post(path, json=body, headers=self._headers)

    def delete(self, identity_id: str) -> Any:
        return self._client.delete(f"{PATH}/{identity_id}", headers=self._headers)

    def nonce(self) -> tuple[str, str]:
        answer = self.post(f"{PATH}/nonces")
        assert answer.status_code == 201
        return answer.json["handle"], answer.json["nonce"]


@pytest.fixture
def ada(app: Flask, watch: Watch, provider: IdentityProvider) -> Iterator[App]:
    yield App(app)


def link(app: App, provider: IdentityProvider, name: str = "google", subject: str = "ada") -> Any:
    handle, nonce = app.nonce()
    token = provider.id_token(name, subject, nonce, now=clock.now())
    return app.post(provider=name, handle=handle, id_token=token)


def test_a_customer_links_lists_and_unlinks_an_identity(ada: App, provider: IdentityProvider) -> None:
    linked = link(ada, provider)

    assert linked.status_code == 201, linked.json
    assert (linked.json["provider"], linked.json["email"]) == ("google", "ada@example.com")
    assert ada.get() == {"items": [linked.json], "next_cursor": None}
    assert ada.delete(linked.json["id"]).status_code == 204
    assert ada.get()["items"] == []
    assert ada.delete(linked.json["id"]).status_code == 404


def test_the_customer_is_told_of_a_new_way_to_sign_in_once(ada: App, provider: IdentityProvider, watch: Watch) -> None:
    def told() -> int:
        with transaction() as session:
            return len(session.scalars(select(Message).where(Message.customer_id == ada.id)).all())

    before = told()
    assert link(ada, provider).status_code == 201
    assert told() == before + 1  # a text, since there is neither a device nor an address
    watch.move(seconds=1)
    assert link(ada, provider).status_code == 201
    assert told() == before + 1


def test_a_nonce_works_once_whatever_came_with_it(ada: App, provider: IdentityProvider) -> None:
    handle, nonce = ada.nonce()
    good = provider.id_token("google", "ada", nonce, now=clock.now())

    first = ada.post(provider="google", handle=handle, id_token="nonsense")
    again = ada.post(provider="google", handle=handle, id_token=good)

    assert (first.status_code, first.json["code"]) == (422, "provider_identity_refused")
    assert (again.status_code, again.json["code"]) == (422, "provider_identity_refused")
    assert ada.get()["items"] == []


def test_a_nonce_lasts_ten_minutes(ada: App, provider: IdentityProvider, watch: Watch) -> None:
    given = nonces.give(ada.id, now=clock.now())

    with transaction() as session:
        assert nonces.take(session, ada.id, given.handle, now=watch.now + timedelta(minutes=10)) is None
        last = watch.now + timedelta(minutes=10, seconds=-1)
        assert nonces.take(session, ada.id, given.handle, now=last) == given.nonce
        assert nonces.take(session, ada.id, given.handle, now=last) is None


def test_another_customers_nonce_is_none(app: Flask, ada: App, provider: IdentityProvider) -> None:
    eve = App(app, "+12125550143")
    handle, nonce = eve.nonce()

    token = provider.id_token("google", "ada", nonce, now=clock.now())
    answer = ada.post(provider="google", handle=handle, id_token=token)

    assert (answer.status_code, answer.json["code"]) == (422, "provider_identity_refused")


@pytest.mark.parametrize("handle", ["nonsense", "A" * 39, "A" * 100, "====", "☃"])
def test_a_handle_that_is_none_is_refused(ada: App, provider: IdentityProvider, handle: str) -> None:
    answer = ada.post(provider="google", handle=handle, id_token="x")

    assert (answer.status_code, answer.json["code"]) == (422, "provider_identity_refused")


def test_an_identity_of_another_customer_is_taken(app: Flask, ada: App, provider: IdentityProvider) -> None:
    link(App(app, "+12125550143"), provider)

    taken = link(ada, provider)
    another = link(ada, provider, subject="mine")
    third = link(ada, provider, subject="third")

    assert (taken.status_code, taken.json["code"]) == (409, "provider_identity_taken")
    assert another.status_code == 201
    assert (third.status_code, third.json["code"]) == (409, "provider_identity_exists")


def test_linking_and_unlinking_need_a_fresh_sign_in(app: Flask, ada: App, provider: IdentityProvider) -> None:
    linked = link(ada, provider).json
    stale = App(app, signed_in_ago=timedelta(seconds=301))
    edge = App(app, signed_in_ago=timedelta(seconds=300))

    refused = [link(stale, provider, "apple"), stale.delete(linked["id"])]

    assert [(answer.status_code, answer.json["code"]) for answer in refused] == [(401, "step_up_required")] * 2
    assert link(edge, provider, "apple").status_code == 201
    assert edge.delete(linked["id"]).status_code == 204


def test_a_body_that_names_more_is_refused(ada: App, provider: IdentityProvider) -> None:
    for more in ({"customer_id": str(ada.id)}, {"email": "a@b.c"}, {"provider": "facebook"}, {"id_token": "x" * 8193}):
        body = {"provider": "google", "handle": "h", "id_token": "x", **more}
        assert ada.post(**body).status_code == 422


def test_while_the_provider_is_away_the_app_is_told_to_try_again(ada: App, provider: IdentityProvider) -> None:
    provider.keys_answer = b"nonsense"

    answer = link(ada, provider)

    assert (answer.status_code, answer.json["code"]) == (503, "provider_unavailable")
