"""Whether and how a journey's message goes out, and the reason where it does not."""

from uuid import UUID

import pytest
from sqlalchemy import select

from core import crypto, ids
from core.db import transaction
from core.delivery.events import MessageFailed
from core.delivery.models import Message
from engage import consents, inbox
from engage.consents import Said
from rewards.campaigns import versions
from tests.engage.conftest import Scene, both_branches, enrolments, gift, journey, reasons, runs, say, sent, vouchers_of


def test_without_consent_the_message_is_skipped_and_the_walk_goes_on(scene: Scene) -> None:
    customer_id = scene.customer(consent=[])
    scene.publish(both_branches(scene.coupon()))
    scene.happen(scene.order(customer_id))

    scene.read()

    assert runs() == [("gift", "issued"), ("tell", "skipped"), ("wait", "waiting")]
    assert reasons("tell") == ["no_consent", "no_consent"]
    assert sent() == []


def test_a_consent_taken_back_holds_from_then_on(scene: Scene) -> None:
    customer_id = scene.customer(consent=["sms"])
    with transaction() as session:
        consents.put(session, Said(customer_id, "sms", "marketing", False), source="app", now=scene.now)
    scene.publish(journey("hi", {"hi": say("Hi")}))
    scene.happen(scene.order(customer_id))

    scene.read()

    assert reasons("hi") == ["no_consent"]


def test_a_consent_taken_back_holds_for_what_waits_to_be_sent(scene: Scene) -> None:
    customer_id, other = scene.customer(consent=["sms"]), scene.customer(consent=["sms"])
    scene.publish(journey("hi", {"hi": say("Hello")}))
    scene.happen(scene.order(customer_id), scene.order(other))
    scene.read()

    with transaction() as session:
        consents.put(session, Said(customer_id, "push", "marketing", False), source="app", now=scene.now)
        consents.put(session, Said(customer_id, "sms", "transactional", False), source="app", now=scene.now)
    assert states() == {customer_id: "pending", other: "pending"}
    with transaction() as session:
        consents.put(session, Said(customer_id, "sms", "marketing", False), source="app", now=scene.now)

    assert states() == {customer_id: "suppressed", other: "pending"}


def test_an_import_may_bring_any_number_of_consents(scene: Scene) -> None:
    said = [Said(ids.new(), "sms", "marketing", True) for _ in range(11_000)]

    with transaction() as session:
        changed = consents.put_all(session, said, source="import", now=scene.now)

    assert changed == 11_000


def test_a_stop_told_to_the_provider_takes_consent_back(scene: Scene) -> None:
    stopped, out_of_reach = scene.customers(2)
    answers = [(stopped, "twilio_21610"), (stopped, "twilio_21610"), (out_of_reach, "twilio_30003")]
    scene.happen(*[
        MessageFailed(
            customer_id=customer_id, occurred_at=scene.now, message_id=ids.new(), channel="sms", purpose="marketing",
            reason=reason,
        )
        for customer_id, reason in answers
    ])  # fmt: skip

    scene.read()

    with transaction() as session:
        said = consents.of_many(session, [stopped, out_of_reach])
        assert not said.allow(stopped, channel="sms", purpose="marketing")
        assert said.allow(stopped, channel="push", purpose="marketing")
        assert said.allow(out_of_reach, channel="sms", purpose="marketing")
        assert {one.source for one in consents.of(session, stopped) if not one.is_granted} == {"provider"}


def test_a_transactional_message_goes_out_until_the_customer_says_no(scene: Scene) -> None:
    asked, refused = scene.customer(consent=[]), scene.customer(consent=[])
    with transaction() as session:
        consents.put(session, Said(refused, "sms", "transactional", False), source="app", now=scene.now)
    scene.publish(journey("hi", {"hi": {**say("Hi"), "purpose": "transactional"}}))
    scene.happen(scene.order(asked), scene.order(refused))

    scene.read()

    assert runs(asked) == [("hi", "sent")]
    assert runs(refused) == [("hi", "skipped")]


def test_the_next_channel_is_taken_where_the_first_does_not_reach(scene: Scene) -> None:
    customer_id = scene.customer()
    scene.publish(journey("hi", {"hi": say("Hi", channel=["push", "sms"])}))
    scene.happen(scene.order(customer_id))

    scene.read()

    assert [channel for channel, _, _ in sent()] == ["sms"]
    assert reasons("hi") == ["no_device"]


def test_a_push_alone_is_skipped_without_a_device(scene: Scene) -> None:
    customer_id = scene.customer()
    scene.publish(journey("hi", {"hi": say("Hi", channel="push")}))
    scene.happen(scene.order(customer_id))

    scene.read()

    assert (runs(), reasons("hi")) == ([("hi", "skipped")], ["no_device"])


def test_whatsapp_sends_an_approved_template_with_its_variables_filled_in(scene: Scene) -> None:
    customer_id = scene.customer(consent=["whatsapp"])
    step = say("Hi", channel="whatsapp")
    step["template"]["whatsapp"] = {"content_sid": "HX1", "content_variables": {"1": "{{ customer.locale }}"}}
    scene.publish(journey("hi", {"hi": step}))
    scene.happen(scene.order(customer_id))

    scene.read()

    assert [content for _, _, content in sent()] == [{"content_sid": "HX1", "content_variables": {"1": "en"}}]


def test_a_text_that_is_too_long_once_rendered_is_skipped(scene: Scene) -> None:
    customer_id = scene.customer()
    scene.publish(journey("hi", {"hi": say("Buy! " * 321)}))
    scene.happen(scene.order(customer_id))

    scene.read()

    assert (runs(), reasons("hi")) == ([("hi", "skipped")], ["too_long"])


def test_a_budget_that_is_spent_ends_the_walk_without_its_message(scene: Scene) -> None:
    customers = [scene.customer() for _ in range(3)]
    scene.publish(both_branches(scene.gift_card(budget_minor=2000)))
    scene.happen(*[scene.order(customer_id) for customer_id in customers])

    scene.read()

    given = [customer_id for customer_id in customers if vouchers_of(customer_id)]
    [without] = set(customers) - set(given)
    assert len(given) == len(sent()) == 2
    assert runs(without) == [("gift", "refused")]
    assert [walk.end_reason for walk in enrolments() if walk.customer_id == without] == ["refused: budget_exhausted"]


def test_a_refusal_can_have_a_branch_of_its_own(scene: Scene) -> None:
    customer_id = scene.customer()
    steps = {"gift": gift(scene.gift_card(budget_minor=1), on_refused="sorry"), "sorry": say("Next time!")}
    scene.publish(journey("gift", steps))
    scene.happen(scene.order(customer_id))

    scene.read()

    assert runs() == [("gift", "refused"), ("sorry", "sent")]
    assert reasons("gift") == ["budget_exhausted"]


@pytest.mark.parametrize(("branch", "reason"), [(None, "held_out"), ("sorry", "finished")])
def test_customer_whom_the_campaign_holds_out_goes_on_as_refused(scene: Scene, branch: str | None, reason: str) -> None:
    customer_id, coupon = scene.customer(), scene.coupon()
    with transaction() as session:
        changes = {"holdout_bps": 10_000}
        versions.change(session, campaign_id=coupon, changes=changes, actor="staff:test", now=scene.now)
    steps = {"gift": gift(coupon, on_refused=branch)} if branch else {"gift": gift(coupon)}
    scene.publish(journey("gift", steps | ({"sorry": say("Next time!")} if branch else {})))
    scene.happen(scene.order(customer_id))

    scene.read()

    assert runs()[0] == ("gift", "held_out")
    assert (vouchers_of(customer_id), enrolments()[0].end_reason) == ([], reason)


def test_those_held_out_walk_without_vouchers_and_messages(scene: Scene) -> None:
    customer_id = scene.customer()
    scene.publish(both_branches(scene.coupon()), holdout_bps=10_000)
    scene.happen(scene.order(customer_id))
    scene.read()
    scene.move(days=8)

    scene.work()

    assert runs() == [("gift", "held_out"), ("tell", "held_out"), ("wait", "timeout"), ("remind", "held_out")]
    assert (vouchers_of(customer_id), sent()) == ([], [])
    assert enrolments()[0].is_held_out


def test_an_erased_customer_gets_no_message_and_stops_nobody_else(scene: Scene) -> None:
    erased, other = scene.customer(), scene.customer()
    scene.publish(journey("hi", {"hi": say("Hi")}))
    with transaction() as session:
        crypto.destroy_data_key(session, erased)
    scene.happen(scene.order(erased), scene.order(other))

    scene.read()

    assert (runs(erased), runs(other)) == ([("hi", "skipped")], [("hi", "sent")])


def test_what_was_said_stands_in_the_inbox_once_however_many_devices(scene: Scene) -> None:
    customer_id = scene.customer(tokens=["token-1", "token-2"])
    scene.publish(both_branches(scene.coupon()))
    scene.happen(scene.order(customer_id))

    scene.read()

    with transaction() as session:
        [item] = inbox.list_(session, customer_id, before=None, limit=10, now=scene.now)
        assert (item.title, item.voucher_id) == ("For you", vouchers_of(customer_id)[0])
        assert inbox.unread_count(session, customer_id, now=scene.now) == 1
        inbox.mark_read(session, customer_id, item.id, now=scene.now)
        assert inbox.unread_count(session, customer_id, now=scene.now) == 0


def states() -> dict[UUID, str]:
    """Each customer's one message: its state."""
    with transaction() as session:
        return {row.customer_id: row.state for row in session.scalars(select(Message))}
