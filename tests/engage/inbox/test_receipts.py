"""What the app tells of a message: shown, opened, put aside; and what the inbox shows."""

from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from core import clock, ids
from core.db import connection_of, transaction
from core.delivery import progress, withdrawing
from core.delivery.models import Message
from core.web.principals import Principal
from tests.engage.conftest import Open, Scene
from tests.engage.outgoing.posting import letter, post

PUSH = {
    "push": {"en": {"title": "T", "body": "B", "deep_link": "brand://x", "actions": [{"id": "show", "title": "A"}]}}
}


def pushed(scene: Scene, customer_id: UUID) -> tuple[UUID, UUID]:
    """(a push to the customer's one device, what it was for)."""
    written = letter(customer_id, PUSH, channels=("push",))
    [(_, [message_id])] = post(written, now=scene.now)
    return message_id, written.reference


def app_of(open_for: Open, customer_id: UUID) -> FlaskClient:
    return open_for(Principal("customer", customer_id))


def tell(client: FlaskClient, message_id: UUID, **word: Any) -> Any:
    return client.post(f"/app/v1/messages/{message_id}/receipts", json=word)


def events(*names: str) -> list[tuple[str, dict[str, Any]]]:
    with transaction() as session:
        rows = connection_of(session).execute(
            "SELECT name, payload FROM core.event WHERE name = ANY(%s) ORDER BY seq", [list(names)]
        )
        return [(row[0], row[1]) for row in rows]


def kept(message_id: UUID) -> Message:
    with transaction() as session:
        return session.get_one(Message, message_id)


def test_an_app_tells_that_a_push_was_shown_and_opened(scene: Scene, open_for: Open) -> None:
    customer_id = scene.customer(tokens=["one"])
    message_id, reference = pushed(scene, customer_id)
    client = app_of(open_for, customer_id)

    answers = [
        tell(client, message_id, what="delivered"),
        tell(client, message_id, what="opened", action="show"),
        tell(client, message_id, what="opened", action="show"),
        tell(client, message_id, what="delivered"),
        tell(client, message_id, what="dismissed"),
    ]

    assert {answer.status_code for answer in answers} == {204}
    told = events("message.delivered", "message.opened", "message.acted")
    assert [name for name, _ in told] == ["message.delivered", "message.opened", "message.acted"]
    assert {payload["reference"] for _, payload in told} == {str(reference)}
    assert told[2][1]["action"] == "show"
    message = kept(message_id)
    assert (message.state, message.opened_at is not None) == ("delivered", True)


def test_opening_tells_that_it_came_as_well(scene: Scene, open_for: Open) -> None:
    customer_id = scene.customer(tokens=["one"])
    message_id, _ = pushed(scene, customer_id)

    tell(app_of(open_for, customer_id), message_id, what="opened")

    assert [name for name, _ in events("message.delivered", "message.opened", "message.acted")] == [
        "message.delivered",
        "message.opened",
    ]


def test_the_apps_word_settles_what_was_in_doubt(scene: Scene, open_for: Open) -> None:
    customer_id = scene.customer(tokens=["one"])
    message_id, _ = pushed(scene, customer_id)
    with transaction() as session:
        message = progress.lock(session, message_id)
        assert message is not None
        progress.mark_in_doubt(session, message, reason="timeout", now=scene.now)

    tell(app_of(open_for, customer_id), message_id, what="delivered")

    assert (kept(message_id).state, kept(message_id).settled_by) == ("delivered", "app")


def test_what_failed_for_good_stays_so(scene: Scene, open_for: Open) -> None:
    customer_id = scene.customer(tokens=["one"])
    message_id, _ = pushed(scene, customer_id)
    with transaction() as session:
        withdrawing.withdraw(session, customer_ids=[customer_id], channel="push", reason="opted_out", now=scene.now)

    assert tell(app_of(open_for, customer_id), message_id, what="opened").status_code == 204
    assert kept(message_id).state == "suppressed"
    assert events("message.delivered", "message.opened") == []


def test_nobody_tells_of_anothers_message(scene: Scene, open_for: Open) -> None:
    customer_id, stranger = scene.customer(tokens=["one"]), scene.customer()
    message_id, _ = pushed(scene, customer_id)

    refused = [tell(app_of(open_for, stranger), one, what="opened") for one in (message_id, ids.new())]

    assert [(answer.status_code, answer.json["code"]) for answer in refused] == [(404, "not_found")] * 2
    assert kept(message_id).state == "pending"


@pytest.mark.parametrize(
    "word",
    [
        {},
        {"what": "read"},
        {"what": "delivered", "action": "show"},
        {"what": "opened", "action": "A b"},
        {"what": "opened", "action": "a" * 41},
        {"what": "opened", "more": 1},
    ],
)
def test_what_is_no_receipt_is_refused(scene: Scene, open_for: Open, word: dict[str, Any]) -> None:
    customer_id = scene.customer(tokens=["one"])
    message_id, _ = pushed(scene, customer_id)

    assert tell(app_of(open_for, customer_id), message_id, **word).status_code == 422
    assert kept(message_id).state == "pending"


def test_the_inbox_shows_what_a_push_held(scene: Scene, open_for: Open) -> None:
    customer_id = scene.customer(tokens=["one"])
    _, reference = pushed(scene, customer_id)
    client = app_of(open_for, customer_id)

    [item] = client.get("/app/v1/inbox").json["items"]
    read = client.put(f"/app/v1/inbox/{item['id']}/read")

    assert (item["deep_link"], item["image"]) == ("brand://x", None)
    assert item["actions"] == [{"id": "show", "title": "A"}]
    assert item["expires_at"] is None
    assert read.json["read_at"] <= clock.now().isoformat()
    assert events("inbox_item.read") == [("inbox_item.read", {"item_id": item["id"], "reference": str(reference)})]
