"""What staff and developers see of messages."""

from dataclasses import replace

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient

from core import ids
from core.delivery import cli, routes
from core.delivery.api import staff
from core.gateways import registry
from core.settings import Settings
from core.web import doors, problems
from core.web.doors import Door
from core.web.principals import Principal
from tests.core.delivery.outbox import PHONE, Outbox
from tests.standins.server import Behaviour


@pytest.fixture
def office(outbox: Outbox) -> FlaskClient:
    app = Flask(__name__)
    app.extensions["settings"] = outbox.settings
    marketer = Principal("staff", ids.new(), permissions=frozenset({"messages.read", "messages.settle"}))
    problems.register(app)
    door = Door(
        name="staff",
        document="admin",
        title="Staff",
        prefix="/admin/v1",
        guard=lambda: marketer,
        blueprints=[staff.blueprint],
        needs_permissions=True,
    )
    doors.open_doors(app, [door])
    return app.test_client()


def test_messages_in_doubt_are_listed_by_page_and_settled(outbox: Outbox, office: FlaskClient) -> None:
    outbox.twilio.always = Behaviour("drop")
    message_ids = [str(outbox.enqueue()) for _ in range(3)]
    outbox.send()

    first = office.get("/admin/v1/messages/in-doubt?limit=2").json
    second = office.get(f"/admin/v1/messages/in-doubt?limit=2&cursor={first['next_cursor']}").json
    settled = office.put(f"/admin/v1/messages/{message_ids[0]}/settlement", json={"was_taken": True})
    again = office.put(f"/admin/v1/messages/{message_ids[0]}/settlement", json={"was_taken": True})

    assert [item["id"] for item in first["items"] + second["items"]] == message_ids
    assert second["next_cursor"] is None
    assert "recipient" not in first["items"][0]
    assert (settled.status_code, settled.json["status"]) == (200, "sent")
    assert (again.status_code, again.json["code"]) == (409, "message_not_in_doubt")


def test_cursor_that_we_did_not_make_is_invalid_input(office: FlaskClient) -> None:
    assert office.get("/admin/v1/messages/in-doubt?cursor=WyJ4Il0").status_code == 422


def test_sandbox_shows_what_it_was_given_and_nothing_in_production(outbox: Outbox, office: FlaskClient) -> None:
    outbox.gateways = registry.build(Settings(environment="test"))
    message_id = outbox.enqueue()
    outbox.enqueue(recipient="+12125550143")
    outbox.send()

    shown = office.get("/admin/v1/sandbox/messages", query_string={"to": PHONE})
    office.application.extensions["settings"] = replace(outbox.settings, environment="production")
    hidden = office.get("/admin/v1/sandbox/messages")

    (item,) = shown.json["items"]
    assert (item["channel"], item["recipient"], item["content"]["body"]) == ("sms", PHONE, "Your coffee waits")
    # By which receipts are told and lists name it.
    assert item["id"] == item["content"]["message_id"] == str(message_id)
    assert hidden.status_code == 404


def test_sandbox_calls_one_thing_by_one_name_on_every_channel(outbox: Outbox, office: FlaskClient) -> None:
    outbox.gateways = registry.build(Settings(environment="test"))
    push = outbox.enqueue(channel="push", recipient="token", content={"title": "Hi", "body": "Look", "data": {}})
    outbox.enqueue(channel="email", recipient="a@b.example", content={"subject": "Hi", "text": "Look"})
    outbox.enqueue(content={"body": "Look"})
    outbox.send()

    items = office.get("/admin/v1/sandbox/messages").json["items"]

    assert {item["channel"]: item["content"]["body"] for item in items} == dict.fromkeys(
        ("push", "email", "sms"), "Look"
    )
    (pushed,) = [item for item in items if item["channel"] == "push"]
    assert pushed["id"] == pushed["content"]["data"]["message_id"] == str(push)


def test_command_shows_a_number_its_messages(outbox: Outbox) -> None:
    outbox.gateways = registry.build(Settings(environment="test"))
    outbox.enqueue(content={"body": "Your code is 123456"})
    outbox.send()

    told = CliRunner().invoke(cli.sandbox, ["messages", "--to", PHONE])
    untold = CliRunner().invoke(cli.sandbox, ["messages", "--to", "+12125550199"])

    assert f"sms to {PHONE}" in told.output
    assert "Your code is 123456" in told.output
    assert untold.output == "Nothing was sent to +12125550199 yet.\n"


def test_routes_are_shown_in_their_order_with_what_closes_them(outbox: Outbox, office: FlaskClient) -> None:
    settings = replace(
        outbox.settings,
        twilio_second_account_sid="AC2",
        twilio_second_auth_token="second",
        twilio_second_from="+12125550199",
        delivery_rates="twilio=50",
    )
    outbox.gateways = registry.build(settings)
    office.application.extensions |= {"settings": settings, "gateways": outbox.gateways}
    outbox.twilio.always = Behaviour("fail", status=503)
    for _ in range(routes.FAILURES):
        outbox.enqueue()
    outbox.send()

    shown = office.get("/admin/v1/messages/routes").json["items"]

    assert [(one["channel"], one["route"]) for one in shown] == [
        ("push", "sandbox"),
        ("sms", "twilio"),
        ("sms", "twilio_second"),
        ("whatsapp", "sandbox"),
        ("email", "sandbox"),
    ]
    first, second = shown[1], shown[2]
    assert (first["status"], first["failures"], first["per_second"]) == ("closed", routes.FAILURES, 50.0)
    assert (second["status"], second["closed_until"], second["per_second"]) == ("open", None, None)
