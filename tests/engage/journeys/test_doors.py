"""Doors: links, posters, words and partners let customers into journeys from outside the app, once each."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import zxingcpp
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select

from auth import customers
from auth.errors import PhoneInvalid
from core import ids
from core.db import transaction
from core.errors import NotFound, Refusal
from core.events import readers
from core.events.log import EventRow
from core.web.principals import Principal
from engage.incoming.events import MessageReceived
from engage.journeys.doors import asking, keeping, letting_in
from engage.journeys.doors.errors import (
    DoorClosed,
    DoorInvalid,
    DoorTaken,
    EntryInvalid,
    EntryReused,
    EntryTooOften,
)
from engage.journeys.doors.models import EntryRequest
from engage.journeys.doors.reactions import READERS
from tests.engage.conftest import Open, Scene, enrolments, gift, say, vouchers_of

PHONE = "+12125550142"


@pytest.fixture
def scene(scene: Scene) -> Scene:
    readers.register(READERS)
    return scene


def door(scene: Scene, slug: str = "fair", kind: str = "link", **more: Any) -> UUID:
    more = {"source": "shop", **more} if kind == "partner" else more
    with transaction() as session:
        made = keeping.create(
            session, slug=slug, kind=kind, name="Autumn fair", actor="staff:test", now=scene.now, **more
        )
        return made.id


def came(scene: Scene, customer_id: UUID, slug: str = "fair") -> asking.Entry:
    with transaction() as session:
        return asking.by_customer(session, slug=slug, customer_id=customer_id, now=scene.now)


def reported(scene: Scene, reference: str = "A-1", slug: str = "shop", **who: Any) -> asking.Entry:
    who = {"phone": None, "customer_id": None, "source": "shop", **who}
    with transaction() as session:
        return asking.by_partner(session, slug=slug, reference=reference, now=scene.now, **who)


def read(scene: Scene) -> None:
    for reader in READERS:
        while readers.run_batch(reader, now=scene.now) or scene._is_behind(reader):
            pass
    scene.read()


def asked() -> list[tuple[UUID | None, str, str]]:
    with transaction() as session:
        rows = session.scalars(select(EventRow).where(EventRow.name == "entry.requested").order_by(EventRow.id))
        return [(row.customer_id, row.payload["slug"], row.payload["via"]) for row in rows]


def behind(slug: str, campaign_id: UUID) -> dict[str, Any]:
    steps = {"gift": {**gift(campaign_id, next="tell"), "kind": "issue_gift_card"}, "tell": say("{{ voucher.link }}")}
    return {"entry": {"door": slug}, "purpose": "marketing", "first": "gift", "steps": steps}


def test_a_link_lets_a_customer_in_once_however_often_it_is_opened(scene: Scene) -> None:
    door(scene)
    customer_id = scene.customer()
    scene.publish(behind("fair", scene.gift_card(budget_minor=10_000)))

    first, again = came(scene, customer_id), came(scene, customer_id)
    read(scene)

    assert (first.is_repeated, again.is_repeated, first.id) == (False, True, again.id)
    assert asked() == [(customer_id, "fair", "link")]
    assert len(vouchers_of(customer_id)) == 1


def test_a_partners_customer_gets_the_gift_card_at_sign_up(scene: Scene) -> None:
    door(scene, "shop", "partner")
    scene.publish(behind("shop", scene.gift_card(budget_minor=10_000)))

    entry = reported(scene, phone="+1 (212) 555-0142")
    assert entry.is_waiting
    with transaction() as session:
        customer_id = customers.sign_up(session, phone=PHONE, locale=None, time_zone=None, now=scene.now).id
    read(scene)

    assert asked() == [(customer_id, "shop", "partner")]
    assert len(vouchers_of(customer_id)) == 1
    assert reported(scene, phone=PHONE).is_repeated
    with transaction() as session:
        assert session.scalars(select(EntryRequest)).one().phone_index is None


def test_a_partners_customer_who_is_ours_already_comes_in_at_once(scene: Scene) -> None:
    door(scene, "shop", "partner")
    customer_id = scene.customer()

    entry = reported(scene, customer_id=customer_id)

    assert (entry.is_waiting, asked()) == (False, [(customer_id, "shop", "partner")])


def test_whom_the_reader_missed_is_let_in_by_the_sweep(scene: Scene) -> None:
    door(scene, "shop", "partner")
    with transaction() as session:
        customer_id = customers.sign_up(session, phone=PHONE, locale=None, time_zone=None, now=scene.now).id
    read(scene)
    reported(scene, phone="+12125550143")
    reported(scene, reference="A-2", phone="+12125550144")
    with transaction() as session:
        # As it stands when they signed up between the look for them and the request's own commit.
        index = customers.find(session, customer_id).phone_index
        session.scalars(select(EntryRequest).where(EntryRequest.reference == "A-1")).one().phone_index = index

    # Each request is looked at once, however many wait.
    assert [letting_in.match_waiting(scene.now) for _ in range(2)] == [2, 0]

    assert asked() == [(customer_id, "shop", "partner")]


def test_somebody_who_does_not_sign_up_is_forgotten_after_thirty_days(scene: Scene) -> None:
    door(scene, "shop", "partner")
    reported(scene, phone=PHONE)

    scene.move(days=30, seconds=-1)
    letting_in.match_waiting(scene.now)
    with transaction() as session:
        assert session.scalars(select(EntryRequest)).all()
    scene.move(seconds=1)
    letting_in.match_waiting(scene.now)
    with transaction() as session:
        assert not session.scalars(select(EntryRequest)).all()


def test_a_reference_names_one_person_for_ever(scene: Scene) -> None:
    door(scene, "shop", "partner")
    reported(scene, phone=PHONE)

    assert reported(scene, phone=PHONE).is_repeated
    with pytest.raises(EntryReused):
        reported(scene, phone="+12125550143")
    with pytest.raises(EntryReused):
        reported(scene, customer_id=scene.customer())


def signed_up(scene: Scene, phone: str = PHONE) -> UUID:
    with transaction() as session:
        return customers.sign_up(session, phone=phone, locale=None, time_zone=None, now=scene.now).id


def test_another_partners_door_is_none(scene: Scene) -> None:
    door(scene, "shop", "partner")
    reported(scene, phone=PHONE)

    for reference in ("A-1", "B-1"):
        with pytest.raises(NotFound):
            reported(scene, reference=reference, phone=PHONE, source="rival")
        with pytest.raises(NotFound):
            reported(scene, reference=reference, customer_id=scene.customer(), source="rival")


@pytest.mark.parametrize("is_customer", [True, False])
def test_a_door_takes_one_number_twenty_times_in_thirty_days_whoevers_it_is(scene: Scene, is_customer: bool) -> None:
    door(scene, "shop", "partner")
    door(scene, "other", "partner")
    if is_customer:
        signed_up(scene)
    for number in range(asking.MOST_OF_NUMBER):
        reported(scene, reference=f"A-{number}", phone=PHONE)

    with pytest.raises(EntryTooOften):
        reported(scene, reference="A-20", phone="+1 212 555 0142")
    assert reported(scene, reference="A-3", phone=PHONE).is_repeated
    reported(scene, reference="A-20", phone="+12125550143")
    reported(scene, reference="A-20", slug="other", phone=PHONE)
    scene.move(days=30)
    reported(scene, reference="A-21", phone=PHONE)


def test_who_signs_up_meanwhile_is_reported_no_more_often_for_it(scene: Scene) -> None:
    door(scene, "shop", "partner")
    for number in range(19):
        reported(scene, reference=f"A-{number}", phone=PHONE)
    customer_id = signed_up(scene)
    reported(scene, reference="A-19", phone=PHONE)
    read(scene)
    assert len(asked()) == 20

    with pytest.raises(EntryTooOften):
        reported(scene, reference="A-20", phone=PHONE)
    reported(scene, reference="A-21", customer_id=customer_id)  # who knows them needs no number


def test_thirty_at_once_are_no_more_than_twenty(scene: Scene) -> None:
    door(scene, "shop", "partner")

    def tried(number: int) -> bool:
        try:
            return reported(scene, reference=f"A-{number}", phone=PHONE).is_waiting
        except EntryTooOften:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(tried, range(30))) == asking.MOST_OF_NUMBER


def test_more_than_one_transaction_lets_in_come_in_one_after_another(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(letting_in, "_BATCH", 4)
    door(scene, "shop", "partner")
    for number in range(9):
        reported(scene, reference=f"A-{number}", phone=PHONE)
    customer_id = signed_up(scene)

    read(scene)

    assert asked() == [(customer_id, "shop", "partner")] * 9
    with transaction() as session:
        left = session.scalars(select(EventRow).where(EventRow.name == "entry.left")).all()
        assert [event.customer_id for event in left] == [customer_id] * 2


def test_all_who_are_over_are_forgotten_a_few_at_a_time(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letting_in, "_BATCH", 4)
    door(scene, "shop", "partner")
    for number in range(10):
        reported(scene, reference=f"A-{number}", phone=PHONE)
    scene.move(days=30)

    found = []
    while taken := letting_in.match_waiting(scene.now):
        found.append(taken)

    assert sum(found) >= 10
    with transaction() as session:
        assert not session.scalars(select(EntryRequest)).all()


def test_a_word_lets_in_who_sends_it(scene: Scene) -> None:
    door(scene, "fair", "keyword", word="fair 26")
    customer_id, other = scene.customers(2)
    said = {"occurred_at": scene.now, "channel": "sms", "intent": None}

    scene.happen(
        MessageReceived(customer_id=customer_id, word="FAIR 26", **said),
        MessageReceived(customer_id=customer_id, word="FAIR 26", **said),
        MessageReceived(customer_id=other, word="FARE", **said),
        MessageReceived(customer_id=other, word=None, **said),
    )
    read(scene)

    assert asked() == [(customer_id, "fair", "keyword")]


def test_a_word_that_was_sent_before_there_was_a_door_opens_none(scene: Scene) -> None:
    door(scene, "fair", "keyword", word="FAIR")
    early, just_now = scene.customers(2)

    scene.happen(
        MessageReceived(
            customer_id=early, occurred_at=scene.now - timedelta(seconds=1), channel="sms", word="FAIR", intent=None
        ),
        MessageReceived(customer_id=just_now, occurred_at=scene.now, channel="sms", word="FAIR", intent=None),
    )
    read(scene)

    assert asked() == [(just_now, "fair", "keyword")]


def test_a_door_is_open_from_its_beginning_and_not_at_its_end(scene: Scene) -> None:
    door(scene, starts_at=scene.now, ends_at=scene.now + timedelta(hours=1))
    one, two, three = scene.customers(3)

    came(scene, one)
    scene.move(hours=1, seconds=-1)
    came(scene, two)
    scene.move(seconds=1)
    with pytest.raises(DoorClosed):
        came(scene, three)
    assert came(scene, one).is_repeated


def test_a_closed_door_lets_nobody_in(scene: Scene) -> None:
    door_id = door(scene, "fair", "keyword", word="FAIR")
    with transaction() as session:
        keeping.set_status(session, door_id=door_id, status="closed", actor="staff:test", now=scene.now)
    scene.happen(
        MessageReceived(customer_id=scene.customer(), occurred_at=scene.now, channel="sms", word="FAIR", intent=None)
    )
    read(scene)

    assert asked() == []


def test_twenty_at_once_come_in_once(scene: Scene) -> None:
    door(scene)
    customer_id = scene.customer()

    with ThreadPoolExecutor(8) as pool:
        entries = list(pool.map(lambda _: came(scene, customer_id), range(20)))

    assert len({entry.id for entry in entries}) == 1
    assert len(asked()) == 1


@pytest.mark.parametrize(
    ("ask", "refusal"),
    [
        (lambda scene: came(scene, ids.new(), "unknown"), NotFound),
        (lambda scene: came(scene, ids.new(), "shop"), NotFound),
        (lambda scene: reported(scene, slug="fair", phone=PHONE), NotFound),
        (lambda scene: reported(scene, customer_id=ids.new()), NotFound),
        (lambda scene: reported(scene, phone="555"), PhoneInvalid),
        (lambda scene: reported(scene, phone=None), PhoneInvalid),
        (lambda scene: reported(scene, reference="ana@example.com", phone=PHONE), EntryInvalid),
        (lambda scene: reported(scene, reference="+12125550142", phone=PHONE), EntryInvalid),
    ],
)
def test_who_cannot_come_in_leaves_no_trace(scene: Scene, ask: Callable[[Scene], Any], refusal: type[Refusal]) -> None:
    door(scene)
    door(scene, "shop", "partner")

    with pytest.raises(refusal):
        ask(scene)

    assert asked() == []
    with transaction() as session:
        assert not session.scalars(select(EntryRequest)).all()


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"slug": "A"}, "/slug"), ({"slug": "with blank"}, "/slug"), ({"slug": "-x"}, "/slug"),
        ({"kind": "keyword"}, "/word"), ({"kind": "keyword", "word": "stop"}, "/word"),
        ({"kind": "keyword", "word": "x"}, "/word"), ({"kind": "keyword", "word": "a b c"}, "/word"),
        ({"word": "FAIR"}, "/word"), ({"source": "shop"}, "/source"),
        ({"kind": "partner", "source": None}, "/source"), ({"kind": "partner", "source": "The Shop"}, "/source"),
    ],
)  # fmt: skip
def test_a_faulty_door_is_named(scene: Scene, given: dict[str, Any], pointer: str) -> None:
    with pytest.raises(DoorInvalid) as refused:
        door(scene, **given)

    assert pointer in [error["pointer"] for error in refused.value.facts["errors"]]


def test_a_door_cannot_end_before_it_begins(scene: Scene) -> None:
    with pytest.raises(DoorInvalid):
        door(scene, starts_at=scene.now, ends_at=scene.now)


def test_two_doors_have_neither_a_name_nor_a_word_in_common(scene: Scene) -> None:
    door(scene, "fair", "keyword", word="FAIR")

    with pytest.raises(DoorTaken):
        door(scene, "fair")
    with pytest.raises(DoorTaken):
        door(scene, "other", "keyword", word="fair")


@pytest.fixture
def marketer(open_for: Open) -> FlaskClient:
    return open_for(Principal("staff", ids.new(), frozenset({"journeys.read", "journeys.write"})))


def test_staff_make_a_door_and_hang_up_its_poster(scene: Scene, marketer: FlaskClient) -> None:
    made = marketer.post("/admin/v1/entry-doors", json={"slug": "fair", "kind": "poster", "name": "Autumn fair"})
    shop = {"slug": "shop", "kind": "partner", "name": "Shop", "source": "shop"}
    partner = marketer.post("/admin/v1/entry-doors", json=shop)

    poster = marketer.get(f"/admin/v1/entry-doors/{made.json['id']}/poster.png")
    [code] = zxingcpp.read_barcodes(Image.open(io.BytesIO(poster.data)))

    assert code.text.endswith("/e/fair")
    assert marketer.get(f"/admin/v1/entry-doors/{partner.json['id']}/poster.png").status_code == 404
    closed = marketer.put(f"/admin/v1/entry-doors/{made.json['id']}/status", json={"status": "closed"})
    assert closed.json["status"] == "closed"
    assert [one["slug"] for one in marketer.get("/admin/v1/entry-doors").json["items"]] == ["shop", "fair"]


def test_the_page_of_a_door_tells_its_name_and_a_wrong_one_nothing(scene: Scene, open_for: Open) -> None:
    door(scene)
    door(scene, "shop", "partner")
    anyone = open_for()

    page = anyone.get("/e/fair")

    assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-store")
    assert "Autumn fair" in page.text
    assert {anyone.get(f"/e/{slug}").status_code for slug in ("shop", "nothing", "<script>")} == {404}


def test_the_app_tells_of_a_door_once_for_a_key(scene: Scene, open_for: Open) -> None:
    door(scene)
    customer = open_for(Principal("customer", scene.customer()))
    headers = {"Idempotency-Key": "one"}

    first = customer.post("/app/v1/entries", json={"door": "fair"}, headers=headers)
    again = customer.post("/app/v1/entries", json={"door": "fair"}, headers={"Idempotency-Key": "two"})

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json == again.json
    assert customer.post("/app/v1/entries", json={"door": "fair"}).status_code == 400
    other = customer.post("/app/v1/entries", json={"door": "nothing"}, headers={"Idempotency-Key": "three"})
    assert other.status_code == 404
    assert len(asked()) == 1


def test_a_journey_names_a_door_that_there_is(scene: Scene) -> None:
    door(scene)

    with pytest.raises(Refusal) as refused:
        scene.publish({**behind("fare", scene.gift_card(budget_minor=1_000))})

    [error] = refused.value.facts["errors"]
    assert error["pointer"] == "/graph/entry/door"
    assert "Did you mean “fair”?" in error["detail"]
    assert enrolments() == []
