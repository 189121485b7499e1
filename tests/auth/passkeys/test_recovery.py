"""Customers who lost their passkeys: two people of staff agree, and the next passkey waits."""

from typing import Any

import pytest
from flask import Flask

from auth.proofs import Owner
from core import clock
from core.db import statement
from tests.auth.authenticator import Authenticator
from tests.auth.passkeys.conftest import added, owner_of
from tests.wallet.doors import Door, staff_door

NOTE = {"note": "Came to the shop with a passport"}


@pytest.fixture
def ada(app: Flask) -> Owner:
    return owner_of("+12125550142")


def first(app: Flask) -> Door:
    return staff_door(app, "customers.recover")


def asked(door: Door, owner: Owner) -> Any:
    answer = door.ask("POST", f"/customers/{owner.id}/passkey-removals", NOTE)
    assert answer.status_code == 201, answer.json
    return answer.json


def decide(door: Door, owner: Owner, approval: Any, *, approve: bool = True) -> Any:
    path = f"/customers/{owner.id}/passkey-removals/{approval['id']}/decision"
    return door.ask("PUT", path, {"approve": approve})


def passkeys() -> int:
    with statement() as connection:
        row = connection.execute("SELECT count(*) FROM auth.passkey").fetchone()
    assert row
    return int(row[0])


def test_two_people_remove_what_was_lost(app: Flask, ada: Owner) -> None:
    for _ in range(2):
        added(ada, Authenticator(), now=clock.now())

    approval = asked(first(app), ada)
    decided = decide(first(app), ada, approval)

    assert (approval["passkeys"], approval["status"]) == (2, "waiting")
    assert (decided.status_code, decided.json["status"]) == (200, "approved")
    assert passkeys() == 0
    with statement() as connection:
        told = connection.execute("SELECT count(*) FROM core.message").fetchone()
        names = {row[0] for row in connection.execute("SELECT action FROM core.audit_entry").fetchall()}
    assert told == (4,)
    assert names >= {"approval.ask", "approval.decide", "approval.use"}


def test_one_person_alone_removes_nothing(app: Flask, ada: Owner) -> None:
    added(ada, Authenticator(), now=clock.now())
    door = first(app)

    answer = decide(door, ada, asked(door, ada))

    assert (answer.status_code, answer.json["code"]) == (403, "self_approval")
    assert passkeys() == 1


def test_a_no_leaves_them(app: Flask, ada: Owner) -> None:
    added(ada, Authenticator(), now=clock.now())
    approval = asked(first(app), ada)

    assert decide(first(app), ada, approval, approve=False).json["status"] == "refused"
    assert passkeys() == 1
    assert decide(first(app), ada, approval).json["code"] == "approval_decided"


def test_a_passkey_that_was_made_meanwhile_stays(app: Flask, ada: Owner) -> None:
    added(ada, Authenticator(), now=clock.now())
    approval = asked(first(app), ada)
    added(ada, Authenticator(), now=clock.now())

    decide(first(app), ada, approval)

    assert passkeys() == 1


def test_who_has_no_passkey_has_none_to_remove(app: Flask, ada: Owner) -> None:
    assert first(app).code("POST", f"/customers/{ada.id}/passkey-removals", NOTE) == (422, "passkey_needed")


def test_another_customers_request_is_not_there(app: Flask, ada: Owner) -> None:
    bob = owner_of("+12125550143")
    added(ada, Authenticator(), now=clock.now())

    assert decide(first(app), bob, asked(first(app), ada)).status_code == 404
    assert passkeys() == 1
