"""Messages in doubt: settled by the provider's list, the app's word or time, and never blindly sent again."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from core import clock, crypto
from core.db import transaction
from core.delivery import in_doubt, progress, reconciling, work
from core.gateways import registry
from core.gateways.lists import Listed
from tests.core.delivery.outbox import PHONE, Outbox, announced, announced_names
from tests.standins.fcm import Fcm
from tests.standins.server import Behaviour
from tests.standins.twilio import sid

pytestmark = pytest.mark.filterwarnings("ignore:Message.token is deprecated:DeprecationWarning")

DROP, LOSE = Behaviour("drop"), Behaviour("lose")
FIRST, SECOND, LAST = (look + timedelta(seconds=1) for look in reconciling.LOOKS)


def doubtful(outbox: Outbox, how: Behaviour, **given: object) -> UUID:
    outbox.twilio.will(how)
    message_id = outbox.enqueue(**given)
    outbox.send()
    assert outbox.message(message_id).state == "in_doubt"
    return message_id


def look(outbox: Outbox, after: timedelta) -> int:
    return reconciling.reconcile_due(outbox.gateways, clock.now() + after)


def test_message_that_the_provider_lists_is_settled_and_never_sent_again(outbox: Outbox) -> None:
    message_id = doubtful(outbox, DROP)

    assert look(outbox, FIRST) == 1
    assert look(outbox, LAST) == 0
    outbox.send(clock.now() + timedelta(days=1))

    message = outbox.message(message_id)
    assert (message.state, message.settled_by) == ("sent", "list")
    assert message.provider_message_id == sid(str(message_id))
    assert outbox.twilio.posts() == {str(message_id): 1}
    assert announced_names() == ["message.put_in_doubt", "message.sent"]


def test_list_tells_how_far_the_message_is(outbox: Outbox) -> None:
    outbox.twilio.listed_status = "delivered"
    message_id = doubtful(outbox, DROP)

    look(outbox, FIRST)

    assert outbox.message(message_id).state == "delivered"
    assert announced_names() == ["message.put_in_doubt", "message.sent", "message.delivered"]


def test_it_is_looked_up_a_minute_after_its_call_and_not_before(outbox: Outbox) -> None:
    doubtful(outbox, DROP)

    assert look(outbox, timedelta(seconds=50)) == 0
    assert outbox.twilio.lists_asked == 0
    assert look(outbox, FIRST) == 1


def test_marketing_that_was_not_taken_fails_after_the_third_look(outbox: Outbox) -> None:
    message_id = doubtful(outbox, LOSE)

    for after in (FIRST, SECOND):
        assert look(outbox, after) == 1
        assert outbox.message(message_id).state == "in_doubt"
    assert look(outbox, LAST) == 1

    message = outbox.message(message_id)
    assert (message.state, message.last_error, message.settled_by) == ("failed", "not_taken", "list")
    outbox.send(clock.now() + timedelta(days=1))
    assert outbox.twilio.posts() == {str(message_id): 1}


def test_what_a_customer_waits_for_goes_out_once_more_when_it_surely_was_not_taken(outbox: Outbox) -> None:
    message_id = doubtful(outbox, LOSE, purpose="transactional")
    for after in (FIRST, SECOND, LAST):
        look(outbox, after)
    assert outbox.message(message_id).state == "pending"

    outbox.twilio.will(LOSE)
    outbox.send(clock.now() + LAST)
    for after in (FIRST, SECOND, LAST):
        look(outbox, after)

    # Once more, not for ever.
    message = outbox.message(message_id)
    assert (message.state, message.last_error, message.attempts) == ("failed", "not_taken", 2)
    assert outbox.twilio.posts() == {str(message_id): 2}


def test_code_that_has_run_out_meanwhile_is_not_sent_once_more(outbox: Outbox) -> None:
    ends = clock.now() + timedelta(minutes=5)
    message_id = doubtful(outbox, LOSE, purpose="sign_in", expires_at=ends)
    for after in (FIRST, SECOND, LAST):
        look(outbox, after)

    outbox.send(clock.now() + LAST)

    assert (outbox.message(message_id).state, outbox.message(message_id).last_error) == ("failed", "expired")


def test_another_message_of_ours_with_the_same_words_is_not_taken_for_it(outbox: Outbox) -> None:
    settled = outbox.enqueue()
    outbox.send()
    message_id = doubtful(outbox, LOSE)
    assert len(outbox.gateways.sms.listed(PHONE)) == 1

    for after in (FIRST, SECOND, LAST):
        look(outbox, after)

    assert [outbox.message(one).state for one in (settled, message_id)] == ["sent", "failed"]


def test_other_words_or_an_earlier_time_are_no_evidence(outbox: Outbox) -> None:
    message_id = doubtful(outbox, LOSE)
    called_at = outbox.message(message_id).called_at
    assert called_at is not None

    class Tells:
        name = "twilio"

        def listed(self, to: str) -> list[Listed]:
            too_early = called_at - reconciling.SKEW - timedelta(seconds=1)
            return [
                Listed("SM1", "Your coffee waits", "sent", "", too_early),
                Listed("SM2", "Your tea waits", "sent", "", called_at),
            ]

    outbox.gateways = replace(outbox.gateways, sms=Tells())
    for after in (FIRST, SECOND, LAST):
        look(outbox, after)

    assert outbox.message(message_id).last_error == "not_taken"


def test_what_the_provider_may_have_under_other_words_is_not_sent_a_second_time(outbox: Outbox) -> None:
    message_id = doubtful(outbox, LOSE, purpose="transactional")
    called_at = outbox.message(message_id).called_at
    assert called_at is not None
    theirs = Listed("SM1", "Sent from your Twilio trial account - Your coffee waits", "sent", "", called_at)

    class Tells:
        name = "twilio"

        def listed(self, to: str) -> list[Listed]:
            return [theirs]

    outbox.gateways = replace(outbox.gateways, sms=Tells())
    for after in (FIRST, SECOND, LAST):
        look(outbox, after)

    assert (outbox.message(message_id).state, outbox.message(message_id).due_at) == ("in_doubt", None)


def test_look_from_before_it_was_sent_again_says_nothing_of_the_second_call(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id = doubtful(outbox, LOSE, purpose="transactional")
    for after in (FIRST, SECOND):
        look(outbox, after)
    listed = outbox.gateways.sms.listed

    def slow(to: str) -> object:
        """While this look waits for its answer, another one lets the message be sent again."""
        monkeypatch.undo()
        look(outbox, LAST + timedelta(minutes=2))
        outbox.twilio.will(LOSE)
        outbox.send(clock.now() + LAST + timedelta(minutes=2))
        return listed(to)

    monkeypatch.setattr(type(outbox.gateways.sms), "listed", lambda _, to: slow(to))
    look(outbox, LAST)

    message = outbox.message(message_id)
    assert (message.state, message.attempts) == ("in_doubt", 2)
    assert message.due_at is not None


def test_several_that_may_be_it_leave_it_to_an_operator(outbox: Outbox) -> None:
    both = [doubtful(outbox, DROP), doubtful(outbox, DROP)]

    look(outbox, FIRST)
    assert look(outbox, timedelta(days=2)) == 0

    assert [outbox.message(one).state for one in both] == ["in_doubt", "in_doubt"]
    with transaction() as session:
        in_doubt.settle(session, message_id=both[0], was_taken=True, actor="staff:1", now=clock.now())
    assert (outbox.message(both[0]).state, outbox.message(both[0]).settled_by) == ("sent", "operator")


def test_list_that_cannot_be_had_decides_nothing_and_is_asked_again(outbox: Outbox) -> None:
    message_id = doubtful(outbox, DROP)
    outbox.twilio.lists_fail_with = 503
    for after in (FIRST, SECOND, LAST):
        assert look(outbox, after) == 1
    assert outbox.message(message_id).state == "in_doubt"

    outbox.twilio.lists_fail_with = 0
    assert look(outbox, LAST + reconciling.AGAIN) == 1

    assert outbox.message(message_id).state == "sent"


def test_list_is_not_asked_for_ever(outbox: Outbox) -> None:
    message_id = doubtful(outbox, DROP)
    outbox.twilio.lists_fail_with = 503

    look(outbox, reconciling.GIVE_UP + timedelta(seconds=1))

    assert (outbox.message(message_id).state, outbox.message(message_id).due_at) == ("in_doubt", None)


def test_template_of_whatsapp_is_settled_when_it_alone_can_be_it(outbox: Outbox) -> None:
    outbox.gateways = registry.build(replace(outbox.settings, twilio_whatsapp_from="+12125550100"))
    content = {"content_sid": "HX1", "content_variables": {"1": "Ana"}}
    message_id = doubtful(outbox, DROP, channel="whatsapp", content=content)

    look(outbox, FIRST)

    assert outbox.message(message_id).state == "sent"


def test_receipt_that_comes_first_is_not_undone_by_the_list(outbox: Outbox) -> None:
    from core.delivery import receipts
    from core.delivery.receipts import Receipt

    message_id = doubtful(outbox, DROP)
    receipt = Receipt(provider="twilio", provider_message_id=sid(str(message_id)), state="delivered")
    with transaction() as session:
        receipts.take(session, message_id=message_id, receipt=receipt, now=clock.now())

    assert look(outbox, FIRST) == 0

    assert (outbox.message(message_id).state, outbox.message(message_id).settled_by) == ("delivered", "receipt")


def test_erased_customers_message_is_given_up(outbox: Outbox) -> None:
    message_id = doubtful(outbox, DROP)
    with transaction() as session:
        crypto.destroy_data_key(session, outbox.message(message_id).customer_id)

    look(outbox, FIRST)

    assert (outbox.message(message_id).state, outbox.twilio.lists_asked) == ("failed", 0)


@pytest.fixture
def pushes(outbox: Outbox) -> Iterator[Fcm]:
    with Fcm() as fcm:
        assert isinstance(fcm, Fcm)
        outbox.gateways = registry.build(replace(outbox.settings, fcm_project_id="brand", fcm_api_url=fcm.url))
        yield fcm


def a_push(outbox: Outbox, fcm: Fcm, how: Behaviour = DROP) -> UUID:
    fcm.will(how)
    content = {"title": "A gift", "body": "Your coffee waits"}
    message_id = outbox.enqueue(channel="push", recipient="device-1", content=content)
    outbox.send()
    return message_id


def test_push_whose_answer_is_lost_is_posted_once_and_settled_by_whoever_has_it(outbox: Outbox, pushes: Fcm) -> None:
    message_id, now = a_push(outbox, pushes), clock.now()
    assert outbox.message(message_id).state == "in_doubt"

    with transaction() as session:
        message = progress.lock(session, message_id)
        assert message is not None
        assert progress.mark_delivered(session, message, provider_message_id=None, now=now)
        assert not progress.mark_delivered(session, message, provider_message_id=None, now=now)
    outbox.send(now + timedelta(days=2))
    look(outbox, timedelta(days=2))

    assert outbox.message(message_id).state == "delivered"
    assert pushes.posts() == {str(message_id): 1}
    assert announced_names() == ["message.put_in_doubt", "message.sent", "message.delivered"]


def test_push_of_which_nobody_tells_fails_after_a_day(outbox: Outbox, pushes: Fcm) -> None:
    message_id = a_push(outbox, pushes)

    assert look(outbox, timedelta(hours=23)) == 0
    assert look(outbox, timedelta(hours=24, seconds=1)) == 1

    message = outbox.message(message_id)
    assert (message.state, message.last_error, message.settled_by) == ("failed", "unknown", "time")


def test_worker_that_died_in_its_call_has_its_message_looked_up(outbox: Outbox) -> None:
    """It was taken, and no answer was ever read: the list tells."""
    now = clock.now()

    class Dies:
        name = "twilio"

        def send(self, sms: object) -> None:
            outbox.gateways.sms.send(sms)  # type: ignore[arg-type]
            raise SystemExit

    message_id = outbox.enqueue(due_at=now)
    with pytest.raises(SystemExit):
        work.send_due(replace(outbox.gateways, sms=Dies()), now)  # type: ignore[arg-type]
    work.recover_lost(now + work.LEASE + timedelta(seconds=1))
    assert outbox.message(message_id).state == "in_doubt"

    look(outbox, timedelta(minutes=3))

    assert outbox.message(message_id).state == "sent"
    assert [name for name, _ in announced()] == ["message.put_in_doubt", "message.sent"]
