"""firebase-admin's real SDK against a loopback server that speaks FCM's HTTP v1."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import requests
from firebase_admin import messaging

from core import ids
from core.gateways import http
from core.gateways.firebase_push import FirebasePush
from core.gateways.outcomes import Accepted, AddressDead, Outcome, Refused, Retry, Unknown
from core.gateways.push import Push
from tests.standins.fcm import Fcm
from tests.standins.server import Behaviour

pytestmark = pytest.mark.filterwarnings("ignore:Message.token is deprecated:DeprecationWarning")

Open = Callable[[str], FirebasePush]


@pytest.fixture
def fcm() -> Iterator[Fcm]:
    with Fcm() as server:
        assert isinstance(server, Fcm)
        yield server


@pytest.fixture
def open_gateway() -> Iterator[Open]:
    opened: list[FirebasePush] = []

    def open_one(url: str) -> FirebasePush:
        opened.append(FirebasePush(project_id="brand", credentials_file=None, api_url=url))
        return opened[-1]

    yield open_one
    for gateway in opened:
        gateway.close()


def a_push() -> Push:
    return Push(message_id=ids.new(), token="device-1", title="A gift", body="Your coffee waits", data={"step": "7"})


def test_accepted_push_carries_our_id_wherever_a_phone_looks(fcm: Fcm, open_gateway: Open) -> None:
    push = a_push()
    message_id = str(push.message_id)

    outcome = open_gateway(fcm.url).send(push)

    assert outcome == Accepted(provider_message_id=f"projects/brand/messages/0:{message_id}")
    (asked,) = fcm.asked
    assert asked.fields["path"] == "/v1/projects/brand/messages:send"
    assert asked.fields["notification"] == {"title": "A gift", "body": "Your coffee waits"}
    assert asked.fields["data"] == {"step": "7", "message_id": message_id}
    assert asked.fields["android"]["notification"]["tag"] == message_id
    assert asked.fields["apns"]["headers"]["apns-collapse-id"] == message_id


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("UNREGISTERED", AddressDead("UNREGISTERED")),
        ("INVALID_ARGUMENT", Refused("INVALID_ARGUMENT", permanent=True)),
        ("SENDER_ID_MISMATCH", Refused("PERMISSION_DENIED", permanent=False)),
    ],
)
def test_refusal_tells_whose_fault_it_is(fcm: Fcm, open_gateway: Open, code: str, outcome: Outcome) -> None:
    fcm.will(Behaviour("refuse", code=code))

    assert open_gateway(fcm.url).send(a_push()) == outcome


def test_rich_push_brings_its_picture_buttons_and_link_to_both_kinds_of_phone(fcm: Fcm, open_gateway: Open) -> None:
    actions = ({"id": "use", "title": "Use it", "link": "brand://vouchers/7"},)
    rich = replace(a_push(), image="https://brand.example/cup.png", deep_link="brand://vouchers", actions=actions)

    assert isinstance(open_gateway(fcm.url).send(rich), Accepted)

    sent = fcm.asked[0].fields
    assert sent["notification"]["image"] == sent["android"]["notification"]["image"] == rich.image
    assert sent["apns"]["fcm_options"] == {"image": rich.image}
    assert sent["apns"]["payload"]["aps"] == {"mutable-content": 1, "category": "pocketful.actions"}
    assert (sent["data"]["deep_link"], json.loads(sent["data"]["actions"])) == ("brand://vouchers", list(actions))
    # One id in every place, so that a phone which gets it twice shows it once.
    assert sent["data"]["message_id"] == sent["android"]["notification"]["tag"]
    assert sent["data"]["message_id"] == sent["apns"]["headers"]["apns-collapse-id"] == str(rich.message_id)


def test_plain_push_wakes_no_extension(fcm: Fcm, open_gateway: Open) -> None:
    open_gateway(fcm.url).send(a_push())

    assert "payload" not in fcm.asked[0].fields["apns"]


def test_quota_and_503_may_be_retried_and_were_asked_once_each(fcm: Fcm, open_gateway: Open) -> None:
    fcm.will(Behaviour("limit", retry_after="60"), Behaviour("fail", status=503))
    gateway = open_gateway(fcm.url)

    assert gateway.send(a_push()) == Retry("http_429", after_seconds=60.0)
    assert gateway.send(a_push()) == Retry("http_503")
    assert len(fcm.asked) == 2


def test_500_is_unknown_and_was_asked_exactly_once(fcm: Fcm, open_gateway: Open) -> None:
    fcm.will(Behaviour("fail", status=500))

    assert open_gateway(fcm.url).send(a_push()) == Unknown("http_500")

    assert len(fcm.asked) == 1


def test_lost_reply_is_unknown_and_was_asked_exactly_once(fcm: Fcm, open_gateway: Open) -> None:
    fcm.will(Behaviour("drop"))
    push = a_push()

    assert open_gateway(fcm.url).send(push) == Unknown("ConnectionError")

    assert fcm.posts() == {str(push.message_id): 1}


def test_lost_reply_on_a_kept_connection_was_asked_exactly_once(fcm: Fcm, open_gateway: Open) -> None:
    gateway = open_gateway(fcm.url)
    gateway.send(a_push())
    fcm.will(Behaviour("drop"))
    push = a_push()

    assert gateway.send(push) == Unknown("ConnectionError")

    assert fcm.posts()[str(push.message_id)] == 1


def test_silence_is_unknown_after_the_time_out(fcm: Fcm, open_gateway: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TIMEOUT_SECONDS", 0.1)
    fcm.will(Behaviour("hang"))
    push = a_push()

    outcome = open_gateway(fcm.url).send(push)

    assert isinstance(outcome, Unknown)
    assert fcm.posts() == {str(push.message_id): 1}


def test_every_adapter_that_the_sdk_mounts_for_the_real_address_is_replaced() -> None:
    gateway = FirebasePush(project_id="brand", credentials_file=None)

    session = _session_of(gateway)

    for url in ("https://fcm.googleapis.com/v1/x", "https://other.example", "http://other.example"):
        retries = session.get_adapter(url).max_retries
        assert (retries.total, retries.status_forcelist) == (0, set())
    gateway.close()


def test_refused_connection_may_be_retried(open_gateway: Open) -> None:
    with Fcm() as server:
        gone = server.url

    assert open_gateway(gone).send(a_push()) == Retry("ConnectionRefused")


def _session_of(gateway: FirebasePush) -> requests.Session:

    return messaging._get_messaging_service(gateway._app)._client.session


def test_push_that_the_sdk_finds_malformed_is_refused_by_a_code_alone(fcm: Fcm, open_gateway: Open) -> None:
    outcome = open_gateway(fcm.url).send(replace(a_push(), data={"step": 7}))  # type: ignore[dict-item]

    assert outcome == Refused(code="fcm_malformed", permanent=True)
    assert fcm.asked == []
