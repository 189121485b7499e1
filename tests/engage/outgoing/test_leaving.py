"""Letters on their way out of the house: through the gate, over the providers' own SDKs, to servers that play them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from auth import emails
from core import clock
from core.db import connection_of, transaction
from core.delivery import work
from core.delivery.models import Message
from core.gateways import registry
from core.gateways.registry import Gateways
from core.settings import Settings
from core.web.principals import Principal
from engage import consents
from engage.consents import Said
from engage.contacting import gate
from tests.engage.conftest import Open, Scene
from tests.engage.outgoing.posting import embedded, issued, letter, post
from tests.standins.fcm import Fcm
from tests.standins.server import Behaviour
from tests.standins.smtp import Smtp

pytestmark = pytest.mark.filterwarnings("ignore:Message.token is deprecated:DeprecationWarning")

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
def fcm() -> Iterator[Fcm]:
    with Fcm() as server:
        assert isinstance(server, Fcm)
        yield server


@pytest.fixture
def smtp() -> Iterator[Smtp]:
    with Smtp() as server:
        yield server


@pytest.fixture
def gateways(fcm: Fcm, smtp: Smtp) -> Iterator[Gateways]:
    settings = Settings(environment="test", fcm_project_id="brand", fcm_api_url=fcm.url, smtp_url=smtp.url)
    built = registry.build(settings)
    yield built
    built.push.close()  # type: ignore[attr-defined]


def send(gateways: Gateways, now: datetime) -> None:
    with clock.simulated(lambda: now):
        work.send_due(gateways, now, gate=gate.verdicts)


def state(message_id: UUID) -> str:
    with transaction() as session:
        return session.get_one(Message, message_id).state


def test_a_push_carries_one_id_in_every_place_and_the_app_answers_by_it(
    scene: Scene, open_for: Open, gateways: Gateways, fcm: Fcm
) -> None:
    customer_id = scene.customer(tokens=["device"])
    voucher = issued(scene.coupon(), customer_id, now=scene.now)
    text = {"title": "For you", "body": "{{ voucher.code }}", "deep_link": "brand://v"}
    written = letter(customer_id, {"push": {"en": text}}, channels=("push",), voucher=embedded(voucher))
    [(_, [message_id])] = post(written, now=scene.now)

    send(gateways, scene.now)

    [asked] = fcm.asked
    data = asked.fields["data"]
    assert data["message_id"] == asked.fields["android"]["notification"]["tag"] == str(message_id)
    assert asked.fields["apns"]["headers"]["apns-collapse-id"] == str(message_id)
    assert (data["reference"], data["voucher_id"]) == (str(written.reference), str(voucher.id))
    app = open_for(Principal("customer", customer_id))
    app.post(f"/app/v1/messages/{data['message_id']}/receipts", json={"what": "opened"})
    assert state(message_id) == "delivered"


def test_a_push_whose_reply_is_lost_is_posted_once_and_settled_by_the_app(
    scene: Scene, open_for: Open, gateways: Gateways, fcm: Fcm
) -> None:
    customer_id = scene.customer(tokens=["device"])
    raw = {"push": {"en": {"title": "For you", "body": "Hi"}}}
    [(_, [message_id])] = post(letter(customer_id, raw, channels=("push",)), now=scene.now)
    fcm.will(Behaviour("drop"))

    send(gateways, scene.now)
    send(gateways, scene.now)
    assert (len(fcm.asked), state(message_id)) == (1, "in_doubt")
    app = open_for(Principal("customer", customer_id))
    app.post(f"/app/v1/messages/{message_id}/receipts", json={"what": "delivered"})

    assert state(message_id) == "delivered"


def test_what_was_allowed_when_it_was_decided_is_asked_again_when_it_leaves(
    scene: Scene, gateways: Gateways, fcm: Fcm
) -> None:
    customer_id = scene.customer(tokens=["device"])
    raw = {"push": {"en": {"title": "For you", "body": "Hi"}}}
    [(_, [message_id])] = post(letter(customer_id, raw, channels=("push",)), now=scene.now)
    with transaction() as session:
        # By SQL alone: a no that is said takes back what waits by itself.
        connection_of(session).execute("UPDATE engage.consent SET is_granted = false")

    send(gateways, scene.now)

    assert (fcm.asked, state(message_id)) == ([], "suppressed")


def test_a_mail_brings_its_page_its_picture_and_a_way_out_in_one_click(
    scene: Scene, open_for: Open, gateways: Gateways, smtp: Smtp
) -> None:
    customer_id = _with_email(scene)
    page = '<body><a href="https://shop.example/a">Go</a> {{ customer.locale }}</body>'
    raw = {"email": {"en": {"subject": "For you", "body": "Look", "html": page}}}
    [(_, [message_id])] = post(letter(customer_id, raw, channels=("email",)), now=scene.now)

    send(gateways, scene.now)

    [mail] = smtp.taken
    assert (mail["Subject"], mail["List-Unsubscribe-Post"]) == ("For you", "List-Unsubscribe=One-Click")
    parts: dict[str, Any] = {part.get_content_type(): part.get_payload(decode=True) for part in mail.walk()}
    html, text = parts["text/html"].decode(), parts["text/plain"].decode()
    assert "https://shop.example" not in html
    assert "Unsubscribe: http://127.0.0.1:8000/l/" in text
    picture = html.split('<img src="http://127.0.0.1:8000')[1].split('"')[0]
    client = open_for()
    assert client.get(picture).status_code == 200
    assert state(message_id) == "delivered"

    way_out = mail["List-Unsubscribe"].strip().strip("<>").removeprefix("http://127.0.0.1:8000")
    assert client.get(way_out).status_code == 200
    assert _allows(customer_id)
    assert client.post(way_out, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert not _allows(customer_id)


def _with_email(scene: Scene) -> UUID:
    """A customer with a proved address who allows marketing by e-mail."""
    customer_id = scene.customer(consent=["email"])
    with transaction() as session:
        sealed = emails.sealed(session, customer_id, "ada@example.com")
        connection_of(session).execute(
            "UPDATE auth.customer SET email = %s, email_index = %s, email_verified_at = %s WHERE id = %s",
            [sealed, emails.index_of("ada@example.com"), scene.now, customer_id],
        )
    return customer_id


def _allows(customer_id: UUID) -> bool:
    with transaction() as session:
        return consents.of_many(session, [customer_id]).allow(customer_id, channel="email", purpose="marketing")


def test_a_no_takes_back_what_waits(scene: Scene, gateways: Gateways, fcm: Fcm) -> None:
    customer_id = scene.customer(tokens=["device"])
    raw = {"push": {"en": {"title": "For you", "body": "Hi"}}}
    [(_, [message_id])] = post(letter(customer_id, raw, channels=("push",)), now=scene.now)
    with transaction() as session:
        consents.put(session, Said(customer_id, "push", "marketing", False), source="app", now=scene.now)

    send(gateways, scene.now)

    assert (fcm.asked, state(message_id)) == ([], "suppressed")
