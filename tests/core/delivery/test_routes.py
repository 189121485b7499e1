"""Fail-over: which provider a message goes to while others fail, and that no unknown outcome is ever tried again."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from core import clock
from core.db import transaction
from core.delivery import routes, work
from core.delivery.models import Message, ProviderState
from core.gateways import http, registry
from tests.core.delivery.outbox import Outbox, announced_names
from tests.standins.server import Behaviour
from tests.standins.twilio import AUTH_TOKEN, Twilio

ACCEPT, LIMIT = Behaviour("accept"), Behaviour("limit")
FAIL, UNAVAILABLE = Behaviour("fail", status=500), Behaviour("fail", status=503)


@dataclass
class Two:
    """SMS by a first account of Twilio, and a second that takes over."""

    outbox: Outbox
    first: Twilio
    second: Twilio

    def send(self, now: datetime | None = None) -> int:
        return self.outbox.send(now)

    def message(self, message_id: UUID) -> Message:
        return self.outbox.message(message_id)

    def posts(self) -> tuple[int, int]:
        return len(self.first.asked), len(self.second.asked)


@pytest.fixture
def two(outbox: Outbox) -> Iterator[Two]:
    with Twilio() as second:
        assert isinstance(second, Twilio)
        settings = replace(
            outbox.settings,
            twilio_second_account_sid="AC2",
            twilio_second_auth_token=AUTH_TOKEN,
            twilio_second_from="+12125550199",
            twilio_second_api_url=second.url,
        )
        outbox.gateways = registry.build(settings)
        yield Two(outbox, outbox.twilio, second)


def state_of(route: str) -> ProviderState | None:
    with transaction() as session:
        return session.get(ProviderState, route)


@pytest.mark.parametrize(
    ("first", "went_over"),
    [
        (UNAVAILABLE, True),
        (LIMIT, True),
        (Behaviour("refuse", code="20003"), True),  # our account is at fault
        (Behaviour("refuse", code="21408"), True),  # this account may not write to that country
        (Behaviour("refuse", code="21610"), False),  # opted out, whoever asks
        (Behaviour("refuse", code="21211"), False),  # no such number, whoever asks
        (FAIL, False),
        (Behaviour("drop"), False),
        (ACCEPT, False),
    ],
)
def test_message_goes_to_the_second_provider_only_when_the_first_surely_did_not_take_it(
    two: Two, first: Behaviour, went_over: bool
) -> None:
    two.first.will(first)
    message_id = two.outbox.enqueue()

    two.send()
    two.send()
    two.send(clock.now() + timedelta(days=1))

    assert two.posts() == (1, 1 if went_over else 0)
    if went_over:
        message = two.message(message_id)
        assert (message.state, message.provider, message.attempts) == ("sent", "twilio_second", 2)
        assert announced_names() == ["message.sent"]


def test_message_that_both_refuse_waits_and_begins_anew_with_the_first(two: Two) -> None:
    two.first.will(UNAVAILABLE)
    two.second.will(UNAVAILABLE)
    message_id = two.outbox.enqueue()
    two.send()
    assert two.message(message_id).refused_by == ["twilio"]

    two.send()

    waiting = two.message(message_id)
    assert (waiting.state, waiting.refused_by) == ("pending", [])
    assert waiting.due_at is not None
    assert waiting.due_at > clock.now() + timedelta(seconds=10)
    two.send(waiting.due_at)
    assert (two.message(message_id).provider, two.posts()) == ("twilio", (2, 1))


def test_no_provider_has_it_twice_when_the_second_one_keeps_silent(two: Two) -> None:
    two.first.will(UNAVAILABLE)
    two.second.will(Behaviour("drop"))
    message_id = two.outbox.enqueue()

    for _ in range(3):
        two.send()
    two.send(clock.now() + timedelta(days=1))

    assert two.message(message_id).state == "in_doubt"
    assert two.posts() == (1, 1)


def test_route_that_fails_five_times_in_a_row_is_closed_for_a_minute(two: Two) -> None:
    two.first.always = UNAVAILABLE
    for _ in range(routes.FAILURES):
        two.outbox.enqueue()
    two.send()
    two.send()
    assert two.posts() == (routes.FAILURES, routes.FAILURES)

    two.outbox.enqueue()
    two.send()

    assert two.posts() == (routes.FAILURES, routes.FAILURES + 1)
    # A minute later it is tried again, and one success forgets what was.
    two.first.always = ACCEPT
    two.outbox.enqueue()
    two.send(clock.now() + routes.CLOSED + timedelta(seconds=1))
    assert two.posts() == (routes.FAILURES + 1, routes.FAILURES + 1)
    after = state_of("sms:twilio")
    assert after is not None
    assert (after.failures, after.closed_until) == (0, None)


def test_four_failures_and_a_success_close_nothing(two: Two) -> None:
    two.first.will(*[UNAVAILABLE] * (routes.FAILURES - 1), ACCEPT)
    for _ in range(routes.FAILURES):
        two.outbox.enqueue()
        two.send()
    two.send()

    two.outbox.enqueue()
    two.send()

    state = state_of("sms:twilio")
    assert state is not None
    assert state.closed_until is None
    assert two.posts()[0] == routes.FAILURES + 1


@pytest.mark.parametrize("harmless", [LIMIT, Behaviour("refuse", code="21408"), Behaviour("refuse", code="21610")])
def test_what_says_nothing_of_the_other_messages_closes_no_route(two: Two, harmless: Behaviour) -> None:
    two.first.always = harmless
    for _ in range(routes.FAILURES + 1):
        two.outbox.enqueue()

    two.send()

    assert state_of("sms:twilio") is None


def test_provider_that_keeps_silent_gets_two_groups_and_the_rest_go_another_way(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work.sending, "AT_ONCE", 5)
    two.first.always = Behaviour("drop")
    for _ in range(20):
        two.outbox.enqueue()

    while two.send():
        pass

    assert two.posts() == (10, 10)
    assert set(two.first.posts()) & set(two.second.posts()) == set()


def test_whatsapp_that_is_not_set_up_holds_up_no_code_by_sms(outbox: Outbox) -> None:
    outbox.gateways = registry.build(replace(outbox.settings, twilio_whatsapp_from="+12125550100"))
    outbox.twilio.always = Behaviour("refuse", code="63007")  # no such sender
    for _ in range(routes.FAILURES):
        outbox.enqueue(channel="whatsapp")
    outbox.send()
    outbox.twilio.always = ACCEPT
    message_id = outbox.enqueue(purpose="sign_in")

    outbox.send()

    closed = state_of("whatsapp:twilio")
    assert closed is not None
    assert closed.closed_until is not None
    assert outbox.message(message_id).state == "sent"


def test_one_message_tries_a_route_that_was_closed_before_the_others_follow(outbox: Outbox) -> None:
    outbox.twilio.always = Behaviour("drop")
    for _ in range(routes.FAILURES):
        outbox.enqueue()
    outbox.send()
    for _ in range(4):
        outbox.enqueue()
    later = clock.now() + routes.CLOSED + timedelta(minutes=1)

    assert outbox.send(later) == 1
    assert outbox.send() == 0  # closed anew
    # Once it does its part, they do.
    outbox.twilio.always = ACCEPT
    assert [outbox.send(later), outbox.send(later)] == [1, 2]


def test_only_route_that_is_closed_lets_messages_wait_without_using_their_attempts_up(outbox: Outbox) -> None:
    outbox.twilio.always = UNAVAILABLE
    for _ in range(routes.FAILURES):
        outbox.enqueue()
    outbox.send()
    message_id = outbox.enqueue()

    assert outbox.send() == 0

    assert (outbox.message(message_id).state, outbox.message(message_id).attempts) == ("pending", 0)
    outbox.twilio.always = ACCEPT
    later = clock.now() + timedelta(minutes=10)
    while outbox.send(later):
        pass
    assert outbox.message(message_id).state == "sent"


def test_second_mail_server_takes_over_from_one_that_is_away(outbox: Outbox) -> None:
    from tests.standins.smtp import Smtp

    with Smtp() as gone:
        away = gone.url
    with Smtp() as there:
        outbox.gateways = registry.build(replace(outbox.settings, smtp_url=away, smtp_second_url=there.url))
        content = {"subject": "A gift", "text": "Your coffee waits"}
        message_id = outbox.enqueue(channel="email", recipient="ana@example.com", content=content)
        outbox.send()
        outbox.send()

    message = outbox.message(message_id)
    assert (message.state, message.provider) == ("sent", "smtp_second")
    assert len(there.taken) == 1


def test_answer_after_our_time_out_is_believed_when_it_comes_as_a_receipt_and_sends_nothing_twice(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "TIMEOUT_SECONDS", 0.1)
    two.outbox.gateways = registry.build(two.outbox.settings)
    two.first.will(Behaviour("late", seconds=0.3))
    message_id = two.outbox.enqueue()

    two.send()
    two.send(clock.now() + timedelta(days=1))

    assert two.message(message_id).state == "in_doubt"
    assert two.posts() == (1, 0)


def test_second_provider_keeps_its_own_rate_and_what_it_has_no_room_for_waits_untried(two: Two) -> None:
    two.first.always = UNAVAILABLE
    now = clock.now()
    waiting = [two.outbox.enqueue(due_at=now) for _ in range(4)]
    two.send(now)

    work.send_due(two.outbox.gateways, clock.now(), rates={"twilio_second": 1.0})

    assert two.posts() == (4, 1)
    left = [two.message(one) for one in waiting if two.message(one).state == "pending"]
    assert [(message.attempts, message.refused_by) for message in left] == [(1, ["twilio"])] * 3
    assert all(message.due_at and message.due_at > now for message in left)
