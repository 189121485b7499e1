"""The inbox shows what was said from when it was said, and not what was taken back."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from core import clock, ids
from core.db import connection_of, transaction
from core.errors import NotFound
from core.web.principals import Principal
from core.web.schemas import encode_cursor
from engage import inbox
from engage.contacting import policy
from engage.inbox import NewItem
from tests.connect.people import logged
from tests.engage.broadcasts.audience import draft
from tests.engage.conftest import Open, Scene

INBOX = {"default_locale": "en", "inbox": {"en": {"body": "Look"}}}


def put(scene: Scene, customer_id: UUID, **more: Any) -> UUID:
    reference = ids.new()
    new = NewItem(customer_id, "For you", "Look", None, **{"reference": reference, **more})
    with transaction() as session:
        inbox.put_all(session, [new], now=scene.now)
    return reference


def shown(scene: Scene, customer_id: UUID) -> list[UUID]:
    with transaction() as session:
        items = inbox.list_(session, customer_id, before=None, limit=10, now=scene.now)
        return [item.id for item in items]


def unread(scene: Scene, customer_id: UUID) -> int:
    with transaction() as session:
        return inbox.unread_count(session, customer_id, now=scene.now)


@pytest.mark.parametrize(("minutes", "is_shown"), [(59, False), (60, True), (61, True)])
def test_item_is_shown_from_its_time_on(scene: Scene, minutes: int, is_shown: bool) -> None:
    customer_id = scene.customer()
    item_id = put(scene, customer_id, shown_from=scene.now + timedelta(hours=1))

    scene.move(minutes=minutes)

    assert (shown(scene, customer_id), unread(scene, customer_id)) == (([item_id], 1) if is_shown else ([], 0))
    with transaction() as session:
        if is_shown:
            item = inbox.mark_read(session, customer_id, item_id, now=scene.now)
            assert item.created_at == scene.now - timedelta(minutes=minutes - 60)
        else:
            with pytest.raises(NotFound):
                inbox.mark_read(session, customer_id, item_id, now=scene.now)


@pytest.mark.parametrize(("minutes", "count"), [(59, 1), (60, 0)])
def test_what_is_of_no_use_any_more_does_not_count_as_unread_but_is_still_listed(
    scene: Scene, minutes: int, count: int
) -> None:
    customer_id = scene.customer()
    item_id = put(scene, customer_id, expires_at=scene.now + timedelta(hours=1))

    scene.move(minutes=minutes)

    assert (unread(scene, customer_id), shown(scene, customer_id)) == (count, [item_id])


def test_pages_go_by_when_items_were_shown(scene: Scene, open_for: Open) -> None:
    customer_id, start = scene.customer(), clock.now() - timedelta(hours=5)
    scene.now = start
    last = put(scene, customer_id, shown_from=start + timedelta(hours=3))
    hidden = put(scene, customer_id, shown_from=start + timedelta(days=3))
    first, second = put(scene, customer_id), put(scene, customer_id, shown_from=start + timedelta(hours=1))
    app = open_for(Principal("customer", customer_id))

    pages, cursor = [], None
    while not pages or cursor:
        answer = app.get("/app/v1/inbox", query_string={"limit": 1, **({"cursor": cursor} if cursor else {})}).json
        pages.append([UUID(item["id"]) for item in answer["items"]])
        cursor = answer["next_cursor"]

    assert pages == [[last], [second], [first]]
    assert mark_read(app, hidden) == 404


@pytest.mark.parametrize("number", [0, 1 << 127, (1 << 128) - 1])
def test_page_behind_what_was_never_there_begins_at_its_time(scene: Scene, open_for: Open, number: int) -> None:
    """A cursor can be made up, with a time that no calendar has."""
    customer_id = scene.customer()
    scene.now = clock.now()
    item_id = put(scene, customer_id)
    app = open_for(Principal("customer", customer_id))

    answer = app.get("/app/v1/inbox", query_string={"cursor": encode_cursor(UUID(int=number))})

    assert answer.status_code == 200
    assert [item["id"] for item in answer.json["items"]] == ([str(item_id)] if number else [])


def mark_read(app: FlaskClient, item_id: UUID) -> int:
    return app.put(f"/app/v1/inbox/{item_id}/read").status_code


def test_app_learns_of_an_item_when_it_is_shown(scene: Scene) -> None:
    customer_id, asked = scene.customer(), clock.now() + timedelta(hours=1)
    scene.now = clock.now()
    at_once = put(scene, customer_id)
    later = put(scene, customer_id, shown_from=asked + timedelta(minutes=1))

    def since(at: Any, *, now: Any) -> list[UUID]:
        with transaction() as session:
            return [item_id for item_id, _ in inbox.put_since(session, customer_id, at, now=now)]

    assert since(scene.now, now=asked) == [at_once]
    assert since(asked, now=asked + timedelta(minutes=2)) == [later]
    assert since(asked + timedelta(hours=1), now=asked + timedelta(hours=2)) == []


def test_cancelled_broadcast_takes_back_what_the_inbox_would_show(scene: Scene) -> None:
    members = scene.customers(3)
    sending = draft(scene, members, per_minute=1).run()
    scene.move(minutes=1, seconds=1)
    seen = next(one for one in members if shown(scene, one))
    with transaction() as session:
        inbox.mark_read(session, seen, shown(scene, seen)[0], now=scene.now)

    unseen = next(one for one in members if one != seen and shown(scene, one))
    [gone] = shown(scene, unseen)

    sending.cancel()
    sending.work()

    # Of what nobody has seen yet no app needs to be told.
    assert taken_back() == [(unseen, {"item_id": str(gone), "reference": str(gone)})]
    scene.move(hours=1)
    # What was read stays where its reader may look for it.
    assert {one: len(shown(scene, one)) for one in members} == {one: int(one == seen) for one in members}


def test_cancelled_broadcast_gives_back_what_its_messages_and_its_items_took_of_caps(scene: Scene) -> None:
    """By the customer's own day; those whom the inbox shows it keep theirs."""
    with transaction() as session:
        terms = {"caps": [{"channel": "any", "per": "day", "most": 1}]}
        policy.put(session, terms, revision=0, actor="staff:test", now=scene.now)
    texted, told = scene.customers(2, consent=["sms"]), scene.customers(3, consent=[])
    either = {**INBOX, "sms": {"en": {"body": "Look"}}}
    sending = draft(
        scene, [*texted, *told], channels=["sms", "inbox"], template=either, per_minute=1, starts_at=scene.now
    ).run()
    assert used() == dict.fromkeys([*texted, *told], 1)

    sending.cancel()
    sending.work()

    first = [one for one in told if shown(scene, one)]
    assert used() == dict.fromkeys([*texted, *told], 0) | dict.fromkeys(first, 1)


def used() -> dict[UUID, int]:
    with transaction() as session:
        rows = connection_of(session).execute("SELECT customer_id, used FROM engage.cap_count")
        return dict(rows.fetchall())


def taken_back() -> list[tuple[UUID | None, Any]]:
    told = [event for event in logged(ours=True) if event["name"] == "inbox_item.taken_back"]
    return [(event["customer_id"], event["payload"]) for event in told]


def test_cancelled_broadcast_to_the_inbox_alone_takes_back_what_nobody_sees_yet(scene: Scene) -> None:
    members = scene.customers(3)
    sending = draft(scene, members, channels=["inbox"], template=INBOX, per_minute=1).run()
    scene.move(seconds=61)

    sending.cancel()
    sending.work()

    assert sending.counts() == {"cancelled": 1, "sent": 2}
    scene.move(hours=1)
    assert sum(len(shown(scene, one)) for one in members) == 2
