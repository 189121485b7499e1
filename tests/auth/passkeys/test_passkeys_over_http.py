from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from auth import tokens
from auth.proofs import ONE_FACTOR, PHISHING_RESISTANT, Owner
from core.db import statement
from core.web.principals import Principal
from tests.auth.authenticator import Authenticator
from tests.auth.conftest import Watch
from tests.auth.passkeys.conftest import added, owner_of


class App:
    """An app of one customer, who signed in some seconds ago."""

    def __init__(self, client: FlaskClient, watch: Watch, owner: Owner) -> None:
        self.client, self.watch, self.owner = client, watch, owner

    def ask(self, method: str, path: str, *, acr: str = ONE_FACTOR, ago: int = 0, **more: Any) -> Any:
        signed_in = int((self.watch.now - timedelta(seconds=ago)).timestamp())
        principal = Principal(kind="customer", id=self.owner.id, auth_time=signed_in, acr=acr)
        token = tokens.mint(principal, audience=tokens.APP, client_id="pocketful-app", now=self.watch.now)
        return self.client.open(f"/app/v1{path}", method=method, headers={"Authorization": f"Bearer {token}"}, **more)

    def make(self, device: Authenticator, **more: Any) -> Any:
        begun = self.ask("POST", "/passkeys/options", **more)
        assert begun.status_code == 200, begun.json
        body = {"ceremony_id": begun.json["ceremony_id"], "credential": device.create(begun.json["passkey"])}
        return self.ask("POST", "/passkeys", json={**body, "name": "My phone"}, **more)


@pytest.fixture
def mine(client: FlaskClient, watch: Watch) -> App:
    owner = owner_of("+12125550142", now=watch.now - timedelta(days=30))
    return App(client, watch, owner)


def test_a_passkey_is_made_named_and_removed(mine: App) -> None:
    made = mine.make(Authenticator())
    assert made.status_code == 201
    assert made.json["name"] == "My phone"

    renamed = mine.ask("PATCH", f"/passkeys/{made.json['id']}", json={"name": "Old phone"})
    assert renamed.json["name"] == "Old phone"
    assert [each["name"] for each in mine.ask("GET", "/passkeys").json["items"]] == ["Old phone"]

    assert mine.ask("DELETE", f"/passkeys/{made.json['id']}").status_code == 204
    assert mine.ask("GET", "/passkeys").json == {"items": [], "next_cursor": None}


def test_the_dialogue_shows_four_digits_of_the_number(mine: App) -> None:
    options = mine.ask("POST", "/passkeys/options").json["passkey"]

    assert options["user"]["name"] == options["user"]["displayName"] == "•••0142"


@pytest.mark.parametrize(("ago", "status"), [(0, 200), (300, 200), (301, 401)])
def test_a_passkey_is_only_made_right_after_signing_in(mine: App, ago: int, status: int) -> None:
    answer = mine.ask("POST", "/passkeys/options", ago=ago)

    assert answer.status_code == status
    if status == 401:
        assert answer.json["code"] == "step_up_required"
        challenge = answer.headers["WWW-Authenticate"]
        assert 'error="insufficient_user_authentication"' in challenge
        assert 'acr_values="1fa"' in challenge
        assert 'max_age="300"' in challenge


def test_a_sign_in_that_says_no_time_is_never_fresh(mine: App) -> None:
    assert mine.ask("POST", "/passkeys/options", ago=int(mine.watch.now.timestamp())).status_code == 401
    assert mine.ask("POST", "/passkeys/options", acr="").status_code == 401


def test_who_has_a_passkey_makes_the_next_one_by_it(mine: App) -> None:
    added(mine.owner, Authenticator(), now=mine.watch.now)

    weak = mine.ask("POST", "/passkeys/options")
    strong = mine.ask("POST", "/passkeys/options", acr=PHISHING_RESISTANT)

    assert weak.status_code == 401
    assert 'acr_values="phr"' in weak.headers["WWW-Authenticate"]
    assert strong.status_code == 200


def test_a_passkey_made_after_a_texted_code_waits_a_day(mine: App) -> None:
    made = mine.make(Authenticator()).json

    assert made["approves_from"] == wire(mine.watch, hours=24)


def test_a_passkey_made_by_another_approves_at_once(mine: App) -> None:
    added(mine.owner, Authenticator(), now=mine.watch.now)

    made = mine.make(Authenticator(), acr=PHISHING_RESISTANT).json

    assert made["approves_from"] == made["made_at"]


def test_a_young_passkey_vouches_for_no_other(mine: App) -> None:
    added(mine.owner, Authenticator(), now=mine.watch.now, is_trusted=False)

    made = mine.make(Authenticator(), acr=PHISHING_RESISTANT).json

    assert made["approves_from"] == wire(mine.watch, hours=24)


def test_a_young_passkey_that_was_removed_vouches_for_no_other(mine: App) -> None:
    """With a stolen number: make one, sign in by it, remove it, and make the one that pays."""
    young = mine.make(Authenticator()).json
    assert mine.ask("DELETE", f"/passkeys/{young['id']}", acr=PHISHING_RESISTANT).status_code == 204

    made = mine.make(Authenticator(), acr=PHISHING_RESISTANT).json

    assert made["approves_from"] == wire(mine.watch, hours=24)


@pytest.mark.parametrize(("minutes", "waits"), [(59, False), (60, True)])
def test_who_has_just_come_need_not_wait(client: FlaskClient, watch: Watch, minutes: int, waits: bool) -> None:
    newcomer = App(client, watch, owner_of("+12125550147", now=watch.now - timedelta(minutes=minutes)))

    made = newcomer.make(Authenticator()).json

    assert (made["approves_from"] != made["made_at"]) is waits


def test_a_passkey_is_removed_by_a_passkey(mine: App) -> None:
    passkey = added(mine.owner, Authenticator(), now=mine.watch.now)

    assert mine.ask("DELETE", f"/passkeys/{passkey.id}").status_code == 401
    assert mine.ask("DELETE", f"/passkeys/{passkey.id}", acr=PHISHING_RESISTANT).status_code == 204


def test_a_young_passkey_is_removed_by_whoever_has_the_number(mine: App) -> None:
    added(mine.owner, Authenticator(), now=mine.watch.now)
    young = added(mine.owner, Authenticator(), now=mine.watch.now, is_trusted=False)

    assert mine.ask("DELETE", f"/passkeys/{young.id}").status_code == 204


def test_a_young_passkey_does_not_remove_an_old_one(mine: App) -> None:
    old = added(mine.owner, Authenticator(), now=mine.watch.now)
    added(mine.owner, Authenticator(), now=mine.watch.now, is_trusted=False)

    answer = mine.ask("DELETE", f"/passkeys/{old.id}", acr=PHISHING_RESISTANT)

    assert (answer.status_code, answer.json["code"]) == (422, "passkey_young")


def test_its_owner_is_told_of_every_passkey(mine: App) -> None:
    made = mine.make(Authenticator()).json
    mine.ask("DELETE", f"/passkeys/{made['id']}")

    with statement() as connection:
        told = connection.execute("SELECT channel, customer_id FROM core.message").fetchall()
    assert told == [("sms", mine.owner.id)] * 2


def test_passkeys_are_begun_twenty_times_a_day(mine: App) -> None:
    for _ in range(20):
        assert mine.ask("POST", "/passkeys/options").status_code == 200

    answer = mine.ask("POST", "/passkeys/options")

    assert (answer.status_code, answer.json["code"]) == (429, "passkeys_limited")
    assert int(answer.headers["Retry-After"]) > 0


def test_another_customers_passkey_is_not_there(mine: App) -> None:
    stranger = owner_of("+12125550143")
    theirs = added(stranger, Authenticator(), now=mine.watch.now)

    for method, more in (("PATCH", {"json": {"name": "Mine"}}), ("DELETE", {})):
        assert mine.ask(method, f"/passkeys/{theirs.id}", acr=PHISHING_RESISTANT, **more).status_code == 404


@pytest.mark.parametrize("more", [{"approves_from": "2020-01-01T00:00:00Z"}, {"customer_id": str(UUID(int=1))}])
def test_nobody_says_what_is_ours_to_say(mine: App, more: dict[str, str]) -> None:
    begun = mine.ask("POST", "/passkeys/options").json
    body = {"ceremony_id": begun["ceremony_id"], "credential": Authenticator().create(begun["passkey"])}

    assert mine.ask("POST", "/passkeys", json={**body, **more}).status_code == 422


def test_a_wrong_answer_is_refused_and_the_right_one_still_taken(mine: App) -> None:
    begun = mine.ask("POST", "/passkeys/options").json
    device = Authenticator()
    body = {"ceremony_id": begun["ceremony_id"]}

    wrong = mine.ask("POST", "/passkeys", json={**body, "credential": device.create(begun["passkey"], flags=0x41)})
    right = mine.ask("POST", "/passkeys", json={**body, "credential": device.create(begun["passkey"])})

    assert (wrong.status_code, wrong.json["code"]) == (422, "passkey_refused")
    assert right.status_code == 201


def wire(watch: Watch, **later: int) -> str:
    return (watch.now + timedelta(**later)).isoformat().replace("+00:00", "Z")
