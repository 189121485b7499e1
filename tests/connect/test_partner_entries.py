"""A partner's server reports people, who come into a journey now or when they sign up."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

import connect.api.entries
from auth import customers
from connect import identities, write_keys
from connect.api import guard
from core import clock, ids
from core.db import transaction
from core.events import readers
from core.events.log import EventRow
from core.settings import Settings
from core.web import doors, problems, requests
from core.web.doors import Door
from engage.journeys.doors import keeping
from engage.journeys.doors.reactions import READERS
from tests.core.log import wait_for_the_horizon

PHONE = "+12125550142"


@pytest.fixture
def partner(database: None) -> FlaskClient:
    readers.register(READERS)
    app = Flask("ingest", static_folder=None)
    app.extensions["settings"] = Settings(environment="test", ingest_write_keys="web:client-key")
    problems.register(app)
    requests.register(app)
    doors.open_doors(
        app,
        [
            Door(
                name="ingest", document="ingest", title="Events", prefix="/v1", guard=guard.source,
                reads_raw_bodies=True, blueprints=[connect.api.entries.blueprint],
            )
        ],
    )  # fmt: skip
    with transaction() as session:
        keeping.create(
            session, slug="shop", kind="partner", source="shop", name="Shop", actor="staff:test", now=clock.now()
        )
    return app.test_client()


@pytest.fixture
def key(database: None) -> str:
    with transaction() as session:
        return write_keys.make(session, source="shop", trust="server", actor="staff:test", now=clock.now())[1]


def report(partner: FlaskClient, write_key: str, **body: Any) -> Any:
    body = {"door": "shop", "reference": "order-1", **body}
    return partner.post("/v1/entries", json=body, auth=(write_key, ""))


def let_in() -> list[Any]:
    with transaction() as session:
        query = select(EventRow.customer_id).where(EventRow.name == "entry.requested")
        return list(session.scalars(query))


def test_somebody_unknown_waits_and_comes_in_at_sign_up(partner: FlaskClient, key: str) -> None:
    first, again = report(partner, key, phone=PHONE), report(partner, key, phone="+1 212 555 0142")
    with transaction() as session:
        customer = customers.sign_up(session, phone=PHONE, locale=None, time_zone=None, now=clock.now())
    wait_for_the_horizon()
    while readers.run_batch(READERS[0], now=clock.now()):
        pass

    assert (first.status_code, first.json["status"]) == (201, "accepted")
    assert (again.status_code, again.json["id"]) == (200, first.json["id"])
    assert let_in() == [customer.id]
    # Whether a number is a customer's is not told to whoever tries numbers.
    known, unknown = (report(partner, key, phone=phone, reference=phone[-4:]).json for phone in (PHONE, "+12125550143"))
    assert known.keys() == unknown.keys()
    assert known["status"] == unknown["status"] == "accepted"


def test_a_customer_is_known_by_our_id_and_by_the_partners_own(partner: FlaskClient, key: str) -> None:
    with transaction() as session:
        customer = customers.sign_up(session, phone=PHONE, locale=None, time_zone=None, now=clock.now())
        identities.map_external(
            session, source="shop", external_id="C-7", customer_id=customer.id, actor="staff:test", now=clock.now()
        )

    ours = report(partner, key, userId=str(customer.id))
    theirs = report(partner, key, userId="C-7", reference="order-2")

    assert (ours.json["status"], theirs.json["status"]) == ("entered", "entered")
    assert let_in() == [customer.id, customer.id]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"phone": PHONE, "userId": "C-7"}, 422, "entry_invalid"),
        ({}, 422, "entry_invalid"),
        ({"phone": PHONE, "reference": ""}, 422, "entry_invalid"),
        ({"phone": PHONE, "reference": 7}, 422, "entry_invalid"),
        ({"phone": PHONE, "reference": "ana@example.com"}, 422, "entry_invalid"),
        ({"phone": PHONE, "reference": "a\u0000b"}, 422, "entry_invalid"),
        ({"phone": "12"}, 422, "phone_invalid"),
        ({"phone": ["+1"]}, 422, "entry_invalid"),
        ({"phone": PHONE, "door": "elsewhere"}, 404, "not_found"),
        ({"userId": str(ids.new())}, 404, "not_found"),
        ({"userId": "nobody"}, 404, "not_found"),
    ],
)
def test_what_cannot_be_taken_leaves_no_trace(
    partner: FlaskClient, key: str, body: dict[str, Any], status: int, code: str
) -> None:
    refused = report(partner, key, **body)

    assert (refused.status_code, refused.json["code"]) == (status, code)
    assert let_in() == []
    assert report(partner, key, phone=PHONE).status_code == 201


def test_a_reference_means_one_person(partner: FlaskClient, key: str) -> None:
    report(partner, key, phone=PHONE)

    refused = report(partner, key, phone="+12125550143")

    assert (refused.status_code, refused.json["code"]) == (409, "entry_reference_reused")


def test_another_partners_key_finds_no_door_whoever_it_reports_and_whatever_stands(
    partner: FlaskClient, key: str
) -> None:
    report(partner, key, phone=PHONE)
    with transaction() as session:
        customer = customers.sign_up(session, phone="+12125550143", locale=None, time_zone=None, now=clock.now())
        _, theirs = write_keys.make(session, source="rival", trust="server", actor="staff:test", now=clock.now())
        _, second = write_keys.make(session, source="shop", trust="server", actor="staff:test", now=clock.now())

    bodies: list[dict[str, Any]] = [{"phone": PHONE}, {"phone": PHONE, "reference": "x"}, {"userId": str(customer.id)}]
    refused = [report(partner, theirs, **body) for body in [*bodies, {"phone": PHONE, "door": "nowhere"}]]

    assert {answer.status_code for answer in refused} == {404}
    told = [{name: value for name, value in answer.json.items() if name != "trace_id"} for answer in refused]
    assert all(one == told[-1] for one in told)
    # A key that is changed for another of the same source goes on where it was.
    assert report(partner, second, phone=PHONE).status_code == 200


def test_one_number_is_taken_so_often(partner: FlaskClient, key: str) -> None:
    codes = [report(partner, key, phone=PHONE, reference=f"n-{number}").status_code for number in range(21)]

    assert codes == [201] * 20 + [409]
    assert report(partner, key, phone=PHONE, reference="n-20").json["code"] == "entry_too_often"


def test_a_clients_key_lets_nobody_in(partner: FlaskClient) -> None:
    refused = report(partner, "client-key", phone=PHONE)

    assert (refused.status_code, refused.json["code"]) == (403, "server_key_needed")
    assert report(partner, "made up", phone=PHONE).status_code == 401
