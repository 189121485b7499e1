"""Changing the phone number: proved, waited for, told of, cancelled."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text

from auth import customers, emails, sessions, tokens
from auth.models import Customer
from auth.native import work
from auth.native.models import NumberChange
from auth.proofs import ONE_FACTOR, PHISHING_RESISTANT, Owner, Proved
from core.db import transaction
from core.delivery import work as delivery
from core.events.log import EventRow
from core.gateways import sandbox
from core.web.principals import Principal
from tests.auth.authenticator import Authenticator
from tests.auth.conftest import PHONE, Phone, Watch
from tests.auth.dpop.prover import Prover
from tests.auth.passkeys.conftest import added
from tests.auth.step_up import test_bound_keys as bound

NEW = "+12125550177"


class Me:
    """A customer's app, and what is sent to them."""

    def __init__(self, phone: Phone, watch: Watch, number: str = PHONE) -> None:
        self.phone, self.watch = phone, watch
        with transaction() as session:
            long_ago = watch.now - timedelta(days=30)
            self.id = customers.sign_up(session, phone=number, locale=None, time_zone=None, now=long_ago).id
            proved = Proved(owner=Owner(customer_id=self.id), auth_time=watch.now, acr=ONE_FACTOR, amr=("otp",))
            begun = [
                sessions.begin(session, proved=proved, kind="app", client_id="pocketful-app", now=watch.now)
                for _ in range(2)
            ]
        self.session_id, self.other_session_id = (each.id for each in begun)

    def ask(self, method: str, path: str, json: Any = None, *, acr: str = ONE_FACTOR, ago: int = 0) -> Any:
        signed_in = int((self.watch.now - timedelta(seconds=ago)).timestamp())
        principal = Principal(kind="customer", id=self.id, auth_time=signed_in, acr=acr, session_id=self.session_id)
        token = tokens.mint(principal, audience=tokens.APP, client_id="pocketful-app", now=self.watch.now)
        return self.phone.client.open(
            f"/app/v1{path}", method=method, headers={"Authorization": f"Bearer {token}"}, json=json
        )

    def change_to(self, number: str = NEW, *, acr: str = ONE_FACTOR) -> Any:
        asked = self.ask("PUT", "/me/phone", {"phone": number}, acr=acr)
        assert asked.status_code == 202, asked.json
        proof = {"handle": asked.json["handle"], "otp": self.phone.read_code(number)}
        return self.ask("POST", "/me/phone/proof", proof, acr=acr)

    def number(self) -> str:
        with transaction() as session:
            return customers.phone_of(session, self.id)

    def live_sessions(self) -> list[bool]:
        with transaction() as session:
            ids = (self.session_id, self.other_session_id)
            return [sessions.by_id(session, each, now=self.watch.now) is not None for each in ids]


@pytest.fixture
def me(phone: Phone, watch: Watch) -> Me:
    return Me(phone, watch)


def texts_to(me: Me, recipient: str) -> list[str]:
    delivery.send_due(me.phone.app.extensions["gateways"], me.watch.now)
    with transaction() as session:
        kept = sandbox.kept(session, recipient=recipient)
        return [message.content.get("body") or message.content["text"] for message in kept]


def events() -> list[str]:
    with transaction() as session:
        names = session.scalars(select(EventRow.name).order_by(EventRow.id))
        return [name for name in names if "number" in name]


def test_who_signed_in_by_a_passkey_just_now_changes_at_once(me: Me) -> None:
    added(Owner(customer_id=me.id), Authenticator(), now=me.watch.now)

    changed = me.change_to(acr=PHISHING_RESISTANT)

    assert (changed.status_code, changed.json["status"], changed.json["how"]) == (200, "done", "fresh")
    assert me.number() == NEW
    assert me.live_sessions() == [True, False]
    assert events() == ["number_change.asked", "customer.number_changed"]
    assert any("new number from now on" in body for body in texts_to(me, PHONE))
    with transaction() as session:
        assert customers.by_phone(session, NEW) == me.id
        assert customers.by_phone(session, PHONE) is None


def test_a_young_passkey_vouches_for_no_number(me: Me) -> None:
    """Or a stolen number would make one, sign in with it and be rid of the old number within minutes."""
    added(Owner(customer_id=me.id), Authenticator(), now=me.watch.now, is_trusted=False)

    assert me.change_to(acr=PHISHING_RESISTANT).json["status"] == "waiting"


def test_a_passkey_that_is_gone_vouches_for_no_number(me: Me) -> None:
    assert me.change_to(acr=PHISHING_RESISTANT).json["status"] == "waiting"


@pytest.mark.parametrize(("minutes", "status"), [(59, "done"), (60, "waiting")])
def test_who_has_just_signed_up_waits_for_nothing(phone: Phone, watch: Watch, minutes: int, status: str) -> None:
    me = Me(phone, watch)
    with transaction() as session:
        session.get_one(Customer, me.id).created_at = watch.now - timedelta(minutes=minutes)

    assert me.change_to().json["status"] == status


def test_anybody_else_waits_a_day(me: Me) -> None:
    changed = me.change_to()
    assert changed.json["status"] == "waiting"
    assert any("about to" in body or "asked to move" in body for body in texts_to(me, PHONE))

    me.watch.move(hours=24, seconds=-1)
    work.change_numbers(me.watch.now)
    assert me.number() == PHONE
    me.watch.move(seconds=1)
    work.change_numbers(me.watch.now)

    assert me.number() == NEW
    assert me.live_sessions() == [False, False]
    assert me.ask("GET", "/me/phone/change").json["code"] == "token_refused"


def test_who_stole_the_number_is_told_of_and_cancelled(me: Me) -> None:
    with transaction() as session:
        customer = session.get_one(Customer, me.id)
        customer.email = emails.sealed(session, me.id, "ada@example.com")
        customer.email_index, customer.email_verified_at = emails.index_of("ada@example.com"), me.watch.now
    me.change_to()
    assert any("cancel it" in body for body in texts_to(me, "ada@example.com"))

    cancelled = me.ask("PUT", "/me/phone/change/cancellation", ago=86_000)

    assert (cancelled.status_code, cancelled.json["status"]) == (200, "cancelled")
    me.watch.move(hours=25)
    work.change_numbers(me.watch.now)
    assert me.number() == PHONE
    assert events() == ["number_change.asked", "number_change.ended"]
    assert me.ask("PUT", "/me/phone/change/cancellation").json["code"] == "number_change_over"


def test_a_sign_in_of_five_minutes_ago_is_not_fresh_enough(me: Me) -> None:
    assert me.ask("PUT", "/me/phone", {"phone": NEW}, ago=300).status_code == 202
    refused = me.ask("PUT", "/me/phone", {"phone": NEW}, ago=301)

    assert (refused.status_code, refused.json["code"]) == (401, "step_up_required")
    assert "insufficient_user_authentication" in refused.headers["WWW-Authenticate"]


def test_a_wrong_code_changes_nothing_and_the_fifth_ends_the_attempt(me: Me) -> None:
    handle = me.ask("PUT", "/me/phone", {"phone": NEW}).json["handle"]
    right = me.phone.read_code(NEW)
    wrong = f"{(int(right) + 1) % 1_000_000:06}"

    told = [me.ask("POST", "/me/phone/proof", {"handle": handle, "otp": wrong}) for _ in range(5)]

    assert [(each.status_code, each.json["code"]) for each in told] == [(422, "phone_code_wrong")] * 5
    assert [each.json["tries_left"] for each in told] == [4, 3, 2, 1, 0]
    assert me.ask("POST", "/me/phone/proof", {"handle": handle, "otp": right}).json["code"] == "phone_code_wrong"
    assert me.ask("GET", "/me/phone/change").json["code"] == "number_change_over"


def test_a_code_for_signing_in_changes_no_number_and_the_other_way_round(me: Me) -> None:
    signing_in = me.phone.ask(NEW).json["auth_session"]
    code = me.phone.read_code(NEW)
    assert me.ask("POST", "/me/phone/proof", {"handle": signing_in, "otp": code}).json["code"] == "phone_code_wrong"
    handle = me.ask("PUT", "/me/phone", {"phone": NEW}).json["handle"]

    assert me.phone.prove(handle, me.phone.read_code(NEW)).json["error"] == "invalid_session"


def test_a_code_that_another_customer_asked_for_is_not_mine(me: Me) -> None:
    somebody = Me(me.phone, me.watch, "+12125550188")
    handle = somebody.ask("PUT", "/me/phone", {"phone": NEW}).json["handle"]

    told = me.ask("POST", "/me/phone/proof", {"handle": handle, "otp": me.phone.read_code(NEW)})

    assert told.json["code"] == "phone_code_wrong"
    assert me.number() == PHONE


def test_that_a_number_is_taken_is_told_to_who_has_proved_it(me: Me) -> None:
    Me(me.phone, me.watch, NEW)
    asked = me.ask("PUT", "/me/phone", {"phone": NEW})
    assert asked.status_code == 202

    taken = me.ask("POST", "/me/phone/proof", {"handle": asked.json["handle"], "otp": me.phone.read_code(NEW)})

    assert (taken.status_code, taken.json["code"]) == (409, "phone_taken")


def test_a_number_that_somebody_took_meanwhile_stays_theirs(me: Me) -> None:
    me.change_to()
    Me(me.phone, me.watch, NEW)
    me.watch.move(hours=24)

    work.change_numbers(me.watch.now)

    assert me.number() == PHONE
    with transaction() as session:
        change = session.scalars(select(NumberChange)).one()
        assert (change.ended, change.phone, change.phone_index) == ("taken", None, None)


def test_one_change_at_a_time(me: Me) -> None:
    me.change_to()

    second = me.change_to("+12125550178")

    assert (second.status_code, second.json["code"]) == (409, "number_change_open")


def test_my_own_number_is_no_new_one(me: Me) -> None:
    assert me.ask("PUT", "/me/phone", {"phone": PHONE}).json["code"] == "phone_unchanged"


def test_a_customer_gets_five_codes_an_hour(me: Me, watch: Watch) -> None:
    watch.now = watch.now.replace(minute=1, second=0)
    asked = [me.ask("PUT", "/me/phone", {"phone": f"+1212555018{n}"}) for n in range(6)]

    assert [each.status_code for each in asked] == [202] * 5 + [429]
    assert (asked[5].json["code"], asked[5].headers["Retry-After"]) == ("phone_code_limited", str(59 * 60))


def test_nothing_at_rest_tells_the_new_number(me: Me) -> None:
    me.change_to()

    with transaction() as session:
        session.execute(text("DELETE FROM core.sandbox_message"))
        dump = "".join(
            str(row[0])
            for table in ("auth.number_change", "auth.sign_in", "core.message", "core.event")
            for row in session.execute(text(f"SELECT t::text FROM {table} t"))
        )
    assert not re.search(rf"{NEW[1:]}|{NEW.encode().hex()}", dump)


def staff(client: FlaskClient, watch: Watch, path: str, json: Any, *, method: str, who: int = 1) -> Any:
    principal = Principal(
        kind="staff",
        id=UUID(int=who),
        permissions=frozenset({"customers.recover", "security.read", "security.write"}),
    )
    token = tokens.mint(principal, audience=tokens.ADMIN, client_id="pocketful-admin", now=watch.now)
    return client.open(f"/admin/v1{path}", method=method, headers={"Authorization": f"Bearer {token}"}, json=json)


def test_two_people_of_staff_give_a_customer_another_number(me: Me, client: FlaskClient, watch: Watch) -> None:
    path = f"/customers/{me.id}/number-changes"
    asked = staff(client, watch, path, {"phone": NEW, "note": "came with a passport"}, method="POST")
    assert asked.status_code == 201, asked.json
    decision = f"{path}/{asked.json['id']}/decision"
    yes = {"approve": True, "phone": NEW}

    assert staff(client, watch, decision, yes, method="PUT").json["code"] == "self_approval"
    assert staff(client, watch, decision, {"approve": True}, method="PUT", who=2).status_code == 422
    typo = staff(client, watch, decision, {**yes, "phone": "+12125550178"}, method="PUT", who=2)
    assert typo.json["code"] == "approval_mismatch"
    agreed = staff(client, watch, decision, yes, method="PUT", who=2)

    assert (agreed.status_code, agreed.json["status"]) == (200, "approved")
    watch.move(hours=72, seconds=-1)
    work.change_numbers(watch.now)
    assert me.number() == PHONE
    watch.move(seconds=1)
    work.change_numbers(watch.now)
    assert me.number() == NEW


def test_what_staff_refuse_changes_nothing(me: Me, client: FlaskClient, watch: Watch) -> None:
    path = f"/customers/{me.id}/number-changes"
    asked = staff(client, watch, path, {"phone": NEW, "note": "says so"}, method="POST")
    somebody = Me(me.phone, watch, "+12125550188")
    elsewhere = f"/customers/{somebody.id}/number-changes/{asked.json['id']}/decision"

    assert staff(client, watch, elsewhere, {"approve": False}, method="PUT", who=2).status_code == 404
    refused = staff(client, watch, f"{path}/{asked.json['id']}/decision", {"approve": False}, method="PUT", who=2)

    assert refused.json["status"] == "refused"
    assert me.ask("GET", "/me/phone/change").json["code"] == "number_change_over"


def test_staff_stop_a_prefix_and_lift_the_stop(phone: Phone, client: FlaskClient, watch: Watch) -> None:
    until = (watch.now + timedelta(hours=1)).isoformat()
    scope = "/abuse/stops/prefix:+121255"
    assert staff(client, watch, scope, {"until": until}, method="PUT").status_code == 200

    refused = phone.ask()

    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "3600")
    listed = staff(client, watch, "/abuse/stops", None, method="GET").json["items"]
    assert [(stop["scope"], stop["because"]) for stop in listed] == [("prefix:+121255", "staff")]
    assert staff(client, watch, scope, {"until": watch.now.isoformat()}, method="PUT").status_code == 422
    assert staff(client, watch, "/abuse/stops/everything", {"until": until}, method="PUT").status_code == 404
    assert staff(client, watch, scope, None, method="DELETE").status_code == 204
    assert phone.ask().status_code == 400


def test_a_bound_sign_in_changes_the_number_by_its_own_device_alone(phone: Phone) -> None:
    prover = Prover()
    token, body = bound.sign_in(phone, prover), {"phone": NEW}

    without = bound.ask(phone, token, "PUT", "/app/v1/me/phone", None, body)
    by_its_own = bound.ask(phone, token, "PUT", "/app/v1/me/phone", prover, body)

    assert (without.status_code, without.json["code"]) == (401, "dpop_needed")
    assert by_its_own.status_code == 202
    proof = {"handle": by_its_own.json["handle"], "otp": phone.read_code(NEW)}
    again = bound.ask(phone, token, "POST", "/app/v1/me/phone/proof", None, proof)
    assert (again.status_code, again.json["code"]) == (401, "dpop_needed")
    assert bound.ask(phone, token, "POST", "/app/v1/me/phone/proof", prover, proof).json["status"] == "done"
