"""A stranger who texts a door's word comes in once they have signed up, and only once."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from sqlalchemy import select

from auth import customers
from core.db import connection_of, transaction
from core.events import readers
from engage.incoming import taking
from engage.incoming.taking import Incoming
from engage.journeys.doors import keeping, letting_in
from engage.journeys.doors.models import EntryRequest
from engage.journeys.doors.reactions import READERS
from tests.engage.conftest import Scene

PHONE = "+12125559999"


@pytest.fixture
def scene(scene: Scene) -> Scene:
    readers.register(READERS)
    with transaction() as session:
        keeping.create(
            session, slug="fair", kind="keyword", name="Autumn fair", actor="staff:test", now=scene.now, word="FAIR"
        )
    return scene


def text(scene: Scene, body: str, *, sid: str) -> None:
    with transaction() as session:
        said = Incoming(provider="twilio", provider_message_id=sid, channel="sms", sender=PHONE, body=body)
        taking.take(session, said, now=scene.now)


def sign_up(scene: Scene) -> UUID:
    with transaction() as session:
        return customers.sign_up(session, phone=PHONE, locale=None, time_zone=None, now=scene.now).id


def read(scene: Scene) -> None:
    for reader in READERS:
        while readers.run_batch(reader, now=scene.now) or _is_behind(reader.name):
            pass


def _is_behind(name: str) -> bool:
    with transaction() as session:
        return any(behind for reader, behind in readers.lag(connection_of(session)) if reader == name)


def asked() -> Sequence[UUID]:
    with transaction() as session:
        query = "SELECT customer_id FROM core.event WHERE name = 'entry.requested' ORDER BY seq"
        return [row[0] for row in connection_of(session).execute(query)]


def waiting() -> Sequence[EntryRequest]:
    with transaction() as session:
        return session.scalars(select(EntryRequest)).all()


def test_a_strangers_word_lets_them_in_when_they_sign_up(scene: Scene) -> None:
    text(scene, "Fair!", sid="SM1")
    text(scene, "fair", sid="SM2")
    read(scene)
    assert asked() == []
    assert len(waiting()) == 1

    customer_id = sign_up(scene)
    read(scene)

    assert asked() == [customer_id]
    assert waiting()[0].phone_index is None


def test_who_came_as_a_stranger_does_not_come_in_again_as_a_customer(scene: Scene) -> None:
    text(scene, "FAIR", sid="SM1")
    customer_id = sign_up(scene)
    read(scene)

    text(scene, "FAIR", sid="SM2")
    text(scene, "FAIR", sid="SM3")
    read(scene)

    assert asked() == [customer_id]


@pytest.mark.parametrize("body", ["FARE", "I want to go to the fair", "STOP", "YES", ""])
def test_other_texts_of_strangers_are_not_kept(scene: Scene, body: str) -> None:
    text(scene, body, sid="SM1")

    assert waiting() == []


def test_a_closed_doors_word_is_not_remembered(scene: Scene) -> None:
    with transaction() as session:
        door_id = keeping.by_slug(session, "fair", kinds=("keyword",)).id
        keeping.set_status(session, door_id=door_id, status="closed", actor="staff:test", now=scene.now)

    text(scene, "FAIR", sid="SM1")

    assert waiting() == []


def test_who_does_not_sign_up_is_forgotten(scene: Scene) -> None:
    text(scene, "FAIR", sid="SM1")
    scene.move(days=30)
    letting_in.match_waiting(scene.now)

    assert waiting() == []
    sign_up(scene)
    read(scene)
    assert asked() == []


def test_the_number_stands_in_no_event(scene: Scene) -> None:
    text(scene, "FAIR", sid="SM1")
    [row] = waiting()
    assert row.phone_index is not None
    index = row.phone_index.hex()
    sign_up(scene)
    read(scene)

    with transaction() as session:
        query = "SELECT count(*) FROM core.event e WHERE e::text LIKE ANY(%s)"
        told = connection_of(session).execute(query, [[f"%{PHONE[1:]}%", f"%{index[:16]}%"]]).fetchone()
    assert told == (0,)
