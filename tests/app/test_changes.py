"""What an app is told to fetch anew: everything that changed, whenever it committed, and nothing of others."""

import base64
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from flask.testing import FlaskClient

from auth import customers, emails, tokens
from auth.events import CustomerSignedIn
from core import clock, ids
from core.db import connection_of, transaction
from core.events import announce_all
from core.settings import Settings
from core.web.principals import Principal
from engage import inbox
from engage.inbox import NewItem
from insights import changes
from tests.connect.people import logged
from tests.core.log import wait_for_the_horizon
from tests.insights.log import a_customer, order, track


def ask(client: FlaskClient, customer_id: UUID, since: str | None = None, *, at_once: bool = False) -> Any:
    """at_once: also while somebody else writes"""
    if not at_once:
        wait_for_the_horizon()
    token = tokens.mint(Principal("customer", customer_id), audience=tokens.APP, client_id="test", now=clock.now())
    query = {"since": since} if since is not None else {}
    return client.get("/app/v1/changes", query_string=query, headers={"Authorization": f"Bearer {token}"})


def begun(client: FlaskClient, customer_id: UUID) -> str:
    answer = ask(client, customer_id).get_json()
    assert answer["reset"] is True and answer["items"] == []
    return str(answer["next"])


def buy(customer_id: UUID, times: int = 1) -> None:
    with transaction() as session:
        announce_all(session, [order(customer_id) for _ in range(times)])


def patch(client: FlaskClient, customer_id: UUID, body: dict[str, str]) -> None:
    token = tokens.mint(Principal("customer", customer_id), audience=tokens.APP, client_id="test", now=clock.now())
    assert client.patch("/app/v1/me", json=body, headers={"Authorization": f"Bearer {token}"}).status_code == 200


def kinds(answer: Any) -> list[str]:
    return [item["kind"] for item in answer.get_json()["items"]]


def test_what_changed_is_told_once_and_others_never(client: FlaskClient) -> None:
    customer_id, other = a_customer(), a_customer("+12125550143")
    since = begun(client, customer_id)

    buy(customer_id)
    buy(other)
    first = ask(client, customer_id, since)
    second = ask(client, customer_id, first.get_json()["next"])

    assert kinds(first) == ["order"] and first.get_json()["reset"] is False
    assert first.get_json()["items"][0]["id"]
    assert kinds(second) == []


def test_what_customers_change_of_themselves_is_told_to_their_other_devices(client: FlaskClient) -> None:
    """By which members only: what they are now stands nowhere in the log."""
    customer_id = a_customer()
    since = begun(client, customer_id)

    patch(client, customer_id, {"locale": "es", "birthday": "1990-05-14"})
    patch(client, customer_id, {"locale": "es"})
    told = ask(client, customer_id, since)

    assert [(item["kind"], item["id"]) for item in told.get_json()["items"]] == [("me", None)]
    assert [event["payload"] for event in logged(ours=True) if event["name"] == "customer.changed"] == [
        {"fields": ["locale", "birthday"]}
    ]
    assert kinds(ask(client, customer_id, told.get_json()["next"])) == []


def test_an_address_that_was_taken_back_is_told_and_none_is_not(client: FlaskClient) -> None:
    customer_id, other = a_customer(), a_customer("+12125550143")
    with transaction() as session:
        customer = customers.find(session, customer_id)
        customer.email = emails.sealed(session, customer_id, "ada@example.com")
        customer.email_index, customer.email_verified_at = emails.index_of("ada@example.com"), clock.now()
    since, others = begun(client, customer_id), begun(client, other)

    with transaction() as session:
        emails.drop(session, customer_id, now=clock.now())
        emails.drop(session, other, now=clock.now())

    assert kinds(ask(client, customer_id, since)) == ["me"]
    assert kinds(ask(client, other, others)) == []


def test_what_an_app_knows_by_itself_is_not_told(client: FlaskClient) -> None:
    customer_id = a_customer()
    since = begun(client, customer_id)

    with transaction() as session:
        signed_in = CustomerSignedIn(
            customer_id=customer_id, occurred_at=clock.now(), family_id=ids.new(), client_id="x"
        )
        announce_all(session, [signed_in])

    assert kinds(ask(client, customer_id, since)) == []


def test_what_is_nothing_to_an_app_is_not_told(client: FlaskClient) -> None:
    customer_id = a_customer()
    since = begun(client, customer_id)

    with transaction() as session:
        announce_all(session, [track(customer_id), track(customer_id, event="Product Viewed")])

    assert kinds(ask(client, customer_id, since)) == []


def test_what_commits_late_is_not_passed_over(client: FlaskClient, settings: Settings) -> None:
    """An event was written before the app asked, and committed after."""
    customer_id = a_customer()
    since = begun(client, customer_id)
    with psycopg.connect(settings.database_url) as slow:
        slow.execute(
            "INSERT INTO core.event (id, name, customer_id, occurred_at, source, depth, payload)"
            " VALUES (%s, 'payment.completed', %s, now(), 'pocketful', 0, '{\"payment_id\": \"p-1\"}')",
            [ids.new(), customer_id],
        )
        buy(customer_id)
        during = ask(client, customer_id, since, at_once=True).get_json()
        slow.commit()

    after = ask(client, customer_id, during["next"]).get_json()

    told = [*during["items"], *after["items"]]
    assert sorted(item["kind"] for item in told) == ["order", "payment"]


def test_one_thing_that_changed_often_is_told_once(client: FlaskClient) -> None:
    customer_id = a_customer()
    since = begun(client, customer_id)
    bought = order(customer_id)

    with transaction() as session:
        announce_all(session, [bought, order(customer_id), bought])

    assert len(ask(client, customer_id, since).get_json()["items"]) == 2


def test_many_changes_come_by_pages_without_a_gap(client: FlaskClient) -> None:
    customer_id = a_customer()
    since = begun(client, customer_id)
    buy(customer_id, 450)

    told, pages, more = set(), 0, True
    while more:
        answer = ask(client, customer_id, since).get_json()
        told |= {item["id"] for item in answer["items"]}
        since, more, pages = answer["next"], answer["more"], pages + 1

    assert (len(told), pages) == (450, 3)


def test_an_inbox_item_that_was_put_is_told(client: FlaskClient) -> None:
    customer_id, other = a_customer(), a_customer("+12125550143")
    since = begun(client, customer_id)

    with transaction() as session:
        new = [NewItem(customer_id=each, voucher_id=None, title="Hi", body="Look") for each in (customer_id, other)]
        inbox.put_all(session, new, now=clock.now())

    answer = ask(client, customer_id, since)
    assert kinds(answer) == ["inbox"]
    with transaction() as session:
        [item] = inbox.list_(session, customer_id, before=None, limit=10, now=clock.now())
    assert answer.get_json()["items"][0]["id"] == str(item.id)


def token(at: datetime, *, epoch: int = 0, xid: int = 1, seq: int = 1) -> str:
    return changes.token_of(changes.Since((epoch, xid, seq), at))


def test_after_sixty_days_everything_is_loaded_anew(client: FlaskClient) -> None:
    customer_id, now = a_customer(), clock.now()

    fresh = ask(client, customer_id, token(now - changes.KEPT + timedelta(minutes=1)))
    old = ask(client, customer_id, token(now - changes.KEPT - timedelta(minutes=1)))

    assert (fresh.get_json()["reset"], old.get_json()["reset"]) == (False, True)


@pytest.mark.parametrize(
    "since",
    [
        "nonsense",
        "é",
        "x" * 200,
        base64.urlsafe_b64encode(b"1.2.3").decode(),
        base64.urlsafe_b64encode(b"1.2.3.4.5").decode(),
        base64.urlsafe_b64encode(b"9999999999.2.3.4").decode(),
        base64.urlsafe_b64encode(b"1.99999999999999999999.3.4").decode(),
        base64.urlsafe_b64encode(b"1.2.99999999999999999999.4").decode(),
        base64.urlsafe_b64encode(b"1.2.3.99999999999").decode(),
        base64.urlsafe_b64encode("١.٢.٣.٤".encode()).decode(),
        base64.urlsafe_b64encode(b"-1.2.3.4").decode(),
    ],
)
def test_a_token_that_we_did_not_make_is_refused(client: FlaskClient, since: str) -> None:
    answer = ask(client, a_customer(), since)

    assert (answer.status_code, answer.get_json()["code"]) == (422, "changes_token_invalid")


def test_the_token_of_another_epoch_is_a_position_as_well(client: FlaskClient) -> None:
    customer_id = a_customer()
    buy(customer_id)

    assert kinds(ask(client, customer_id, token(clock.now(), epoch=2**31 - 1))) == []
    assert kinds(ask(client, customer_id, token(clock.now()))) == ["order"]


def test_a_customers_older_events_are_not_read(client: FlaskClient) -> None:
    """By the index alone: what was made before the token cannot lie beyond it."""
    customer_id = a_customer()
    with transaction() as session:
        connection = connection_of(session)
        connection.execute("SET LOCAL enable_seqscan = off")
        asked = {"customer": customer_id, "epoch": 0, "xid": "1", "seq": 0, "kinds": ["order"], "limit": 9}
        asked["floor"] = ids.least_at(clock.now())
        plan = connection.execute(f"EXPLAIN {changes._READ}", asked).fetchall()

    text = "\n".join(line for (line,) in plan)
    assert "customer_id_occurred_at_id_idx" in text or "ix_event_timeline" in text, text
