"""What is written of a batch of letters: messages, inbox items and links, all or nothing."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import psycopg
import pytest
from sqlalchemy import select

from core import crypto, ids
from core.db import connection_of, transaction
from core.delivery.models import Message
from engage import inbox, outgoing
from engage.contacting import policy
from engage.inbox.models import InboxItem
from engage.links.models import TrackedLink
from engage.templates import embeds
from rewards.funds import Beaten
from tests.engage.conftest import Scene, sent
from tests.engage.outgoing.posting import embedded, issued, letter, post, said

SMS = {"sms": {"en": {"body": "Hi"}}}
CAPS = {"caps": [{"channel": "any", "per": "day", "most": 1}], "quiet": {"from": "00:00", "to": "23:59"}}


def hold(terms: dict[str, Any], *, now: datetime) -> None:
    with transaction() as session:
        policy.put(session, terms, revision=0, actor="staff:test", now=now)


def rows_of(model: Any) -> list[Any]:
    with transaction() as session:
        return list(session.scalars(select(model)))


def test_all_that_becomes_of_a_message_names_what_it_was_for(scene: Scene) -> None:
    customer_id = scene.customer(tokens=["one", "two"])
    raw = {"push": {"en": {"title": "Hi", "body": "Look https://a.example"}}}
    cause = ids.new()
    written = letter(customer_id, raw, channels=("push",), caused_by=cause, depth=3, trace="t")
    hold(CAPS, now=scene.now)

    [(_, message_ids)] = post(written, now=scene.now)

    messages = rows_of(Message)
    [item], [link] = rows_of(InboxItem), rows_of(TrackedLink)
    assert {message.id for message in messages} == set(message_ids)
    assert {(m.reference, m.caused_by, m.depth, m.trace) for m in messages} == {(written.reference, cause, 3, "t")}
    assert (item.reference, link.reference, link.message_id) == (written.reference, written.reference, message_ids[0])
    assert len({content["body"] for _, _, content in sent()}) == 1
    # Held until the quiet hours are over; the caps counted the letter once, so one message alone gives it back.
    until = scene.now.replace(hour=4, minute=59) + timedelta(days=1)
    [due_at] = {message.due_at for message in messages}
    assert timedelta(0) <= due_at - until < timedelta(seconds=30)  # each customer at their own moment after the end
    assert sorted(str(message.gate) for message in messages) == [
        "{'caps': [['any:day', '2026-11-21']], 'quiet': 'hold'}",
        "{'quiet': 'hold'}",
    ]


def test_a_letter_for_the_inbox_alone_is_no_message(scene: Scene) -> None:
    customer_id = scene.customer(consent=())
    raw = {"inbox": {"en": {"title": "T", "body": "See https://a.example", "deep_link": "brand://x"}}}

    [(_, message_ids)] = post(letter(customer_id, raw, channels=("inbox",)), now=scene.now)

    assert (message_ids, rows_of(Message)) == ([], [])
    assert [link.message_id for link in rows_of(TrackedLink)] == [None]
    with transaction() as session:
        [item] = inbox.list_(session, customer_id, before=None, limit=10, now=scene.now)
    assert (item.title, item.deep_link, item.read_at) == ("T", "brand://x", None)


def test_what_is_skipped_is_written_nowhere_and_stops_nobody(scene: Scene) -> None:
    allowed, refused = scene.customer(consent=["sms"]), scene.customer(consent=[])

    answers = post(letter(refused, SMS), letter(allowed, SMS), letter(ids.new(), SMS), now=scene.now)

    assert [decided.outcome for decided, _ in answers] == ["skipped", "sent", "skipped"]
    assert [len(message_ids) for _, message_ids in answers] == [0, 1, 0]
    assert [item.customer_id for item in rows_of(InboxItem)] == [allowed]


def test_a_batch_is_read_and_written_by_as_many_statements_as_one_letter(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    coupon = scene.coupon()
    raw = said({"sms": {"en": {"body": "{{ traits.plan | default: 'x' }} {{ customer.first_order_days | default: 1 }} "
                                       "{{ voucher.link }} https://a.example"}}})  # fmt: skip
    counted = []
    for number in (1, 50):
        customers = scene.customers(number)
        held = [embedded(issued(coupon, customer_id, now=scene.now)) for customer_id in customers]
        letters = [letter(one, raw, voucher=each) for one, each in zip(customers, held, strict=True)]
        counted.append(_statements(partial(post, *letters, now=scene.now), monkeypatch))

    assert counted[0] == counted[1]
    assert counted[0] <= 14


def _statements(do: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> int:
    """How many statements a deed takes, by whichever way they are sent."""
    execute, seen = psycopg.Cursor.execute, []

    def counted(self: Any, *args: Any, **more: Any) -> Any:
        seen.append(args[0])
        return execute(self, *args, **more)

    with monkeypatch.context() as patched:
        patched.setattr(psycopg.Cursor, "execute", counted)
        do()
    return len(seen)


def test_a_letter_that_is_undone_leaves_no_trace(scene: Scene) -> None:
    customer_id = scene.customer()
    raw = {"sms": {"en": {"body": "https://a.example"}}}

    with pytest.raises(ZeroDivisionError), transaction() as session:
        world = outgoing.prepare(session, [customer_id], now=scene.now)
        outgoing.write(session, [outgoing.decide(world, letter(customer_id, raw))], world=world, now=scene.now)
        _ = 1 / 0

    assert (rows_of(Message), rows_of(InboxItem), rows_of(TrackedLink)) == ([], [], [])


def test_two_that_write_to_a_customer_at_one_moment_do_not_both_pass_a_cap(scene: Scene) -> None:
    customer_id = scene.customer()
    hold({"caps": [{"channel": "any", "per": "day", "most": 1}]}, now=scene.now)

    with pytest.raises(Beaten), transaction() as slower:
        world = outgoing.prepare(slower, [customer_id], now=scene.now)
        decided = [outgoing.decide(world, letter(customer_id, SMS))]
        [(first, _)] = post(letter(customer_id, SMS), now=scene.now)
        outgoing.write(slower, decided, world=world, now=scene.now)

    assert first.outcome == "sent"
    [(again, _)] = post(letter(customer_id, SMS), now=scene.now)
    assert [reason["code"] for reason in again.reasons] == ["capped"]
    assert len(rows_of(Message)) == 1


def test_the_app_shows_what_a_push_showed(scene: Scene) -> None:
    customer_id = scene.customer(tokens=["one"])
    text = {"title": "T", "body": "B", "image": "https://p.example/a.png", "actions": [{"id": "a", "title": "A"}]}
    voucher = issued(scene.coupon(), customer_id, now=scene.now)
    written = letter(customer_id, {"push": {"en": text}}, channels=("push",), voucher=embedded(voucher))

    post(written, now=scene.now)

    with transaction() as session:
        [item] = inbox.list_(session, customer_id, before=None, limit=10, now=scene.now)
        assert (item.image, item.actions) == ("https://p.example/a.png", [{"id": "a", "title": "A"}])
        assert (item.voucher_id, item.expires_at) == (voucher.id, voucher.expires_at)
        inbox.mark_read(session, customer_id, item.id, now=scene.now)
        inbox.mark_read(session, customer_id, item.id, now=scene.now)
    assert _events("inbox_item.read") == [{"item_id": str(item.id), "reference": str(written.reference)}]


def _events(name: str) -> list[dict[str, Any]]:
    with transaction() as session:
        rows = connection_of(session).execute("SELECT payload FROM core.event WHERE name = %s", [name])
        return [row[0] for row in rows]


def test_what_is_written_of_a_customer_is_sealed(scene: Scene) -> None:
    customer_id = scene.customer(consent=["sms"])
    post(letter(customer_id, {"sms": {"en": {"body": "Dear reader"}}}), now=scene.now)

    with transaction() as session:
        for table in ("core.message", "engage.inbox_item"):
            [row] = connection_of(session).execute(f"SELECT t::text FROM {table} t").fetchall()
            assert "Dear" not in row[0]
            assert "4465617220726561646572" not in row[0]  # the same in hex, as a bytea is told


def test_embeds_of_an_erased_customer_are_left_out(scene: Scene) -> None:
    customer_id, other = scene.customer(), scene.customer()
    gone, there = (issued(scene.coupon(), one, now=scene.now) for one in (customer_id, other))
    with transaction() as session:
        crypto.destroy_data_key(session, customer_id)
    with transaction() as session:
        found = embeds.load(session, [gone.id, there.id, ids.new()])
        fresh = embeds.load(session, [there.id], {there.id: there})

    assert list(found) == [there.id]
    assert found == fresh
    assert there.code not in repr(found)
