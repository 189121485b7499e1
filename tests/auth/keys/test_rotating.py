"""Keys that follow one another, and nobody notices."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from joserfc import jwk as second_jwk
from joserfc import jwt as second_jwt
from sqlalchemy import func, select
from sqlalchemy.exc import ProgrammingError

from auth import tokens
from auth.keys import ring, rotating
from auth.keys.errors import KeyInUse
from auth.keys.models import SigningKey
from auth.keys.ring import Ring
from auth.keys.rotating import KEPT_FOR, PUBLISHED_FOR
from auth.tokens import APP, TokenRefused
from core.audit import AuditEntry
from core.crypto import DataKey
from core.db import transaction
from core.errors import NotFound
from core.settings import Settings
from core.web.principals import Principal

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CUSTOMER = Principal(kind="customer", id=uuid4())
QUARTER = timedelta(days=90)


@pytest.fixture(autouse=True)
def _opened(database: None) -> Iterator[None]:
    tokens.load_key(Settings(environment="test"))
    rotating.open_ring(NOW)
    yield
    tokens.load_key(Settings(environment="test"))


def minted(now: datetime = NOW) -> str:
    return tokens.mint(CUSTOMER, audience=APP, client_id="an-app", now=now)


def works(token: str, now: datetime = NOW) -> bool:
    try:
        tokens.verify(token, APP, now=now)
    except TokenRefused:
        return False
    return True


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def rotate(now: datetime, *, at_once: bool = False) -> list[str]:
    with transaction() as session:
        return [one.alg for one in rotating.rotate(session, actor="operator", at_once=at_once, now=now)]


def statuses() -> list[tuple[str, str]]:
    with transaction() as session:
        return sorted((row.alg, row.status) for row in rotating.list_(session))


def test_the_settings_key_signs_first_and_the_next_one_is_published() -> None:
    assert kid_of(minted()) == ring.own().kid
    assert statuses() == [("ES256", "current"), ("ES256", "next"), ("RS256", "current")]
    assert [key["alg"] for key in tokens.key_set()["keys"]] == ["ES256", "ES256", "RS256"]
    assert not any({"d", "p", "q"} & set(key) for key in tokens.key_set()["keys"])


def test_opening_again_makes_no_more_keys() -> None:
    before = tokens.key_set()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(rotating.open_ring, [NOW] * 4))

    assert tokens.key_set() == before


def test_of_many_that_open_an_empty_table_one_makes_the_keys(sweeper: object) -> None:
    with transaction() as session:
        session.query(SigningKey).delete()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(rotating.open_ring, [NOW] * 4))

    assert statuses() == [("ES256", "current"), ("ES256", "next"), ("RS256", "current")]


def test_a_key_signs_when_it_has_been_published_for_a_day() -> None:
    assert rotate(NOW + PUBLISHED_FOR - timedelta(seconds=1)) == ["ES256", "RS256"]
    assert kid_of(minted()) == ring.own().kid

    assert rotate(NOW + PUBLISHED_FOR) == ["RS256"]  # whose next one was made by the first try, a day ago but a second
    assert kid_of(minted()) != ring.own().kid


def test_rotating_refuses_no_token_that_is_out() -> None:
    at = NOW + PUBLISHED_FOR
    before = minted(at)

    rotate(at)
    after = minted(at)

    assert kid_of(before) != kid_of(after)
    assert works(before, at + timedelta(minutes=10, seconds=-1))
    assert works(after, at)
    assert not works(before, at + timedelta(minutes=10))


def test_a_retired_key_lets_nobody_in_after_twenty_minutes() -> None:
    at = NOW + PUBLISHED_FOR
    long = tokens.mint(CUSTOMER, audience=APP, client_id="x", now=at, ttl=timedelta(days=1))
    rotate(at)

    assert works(long, at + timedelta(minutes=20, seconds=-1))
    assert not works(long, at + timedelta(minutes=20))


def test_a_process_that_has_not_heard_yet_signs_what_others_believe() -> None:
    at = NOW + PUBLISHED_FOR
    here = ring._current()
    rotate(at)
    others = minted(at)  # by the new key
    ring._ring = here
    late = minted(at)  # by the former

    assert works(others, at)
    rotating.open_ring(at)
    assert works(late, at)


def test_a_process_looks_for_a_key_that_it_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    at = [1_000.0]
    monkeypatch.setattr("auth.keys.ring.time.monotonic", lambda: at[0])
    rotating.open_ring(NOW)
    here = ring._current()
    rotate(NOW, at_once=True)
    rotate(NOW, at_once=True)
    others = minted()
    ring._ring, ring._read_at = here, at[0]
    tokens.verifying.forget_verified()

    at[0] += 4.9
    assert not works(others)
    at[0] += 0.2
    assert works(others)


def test_a_process_goes_by_the_table_within_half_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    at = [1_000.0]
    monkeypatch.setattr("auth.keys.ring.time.monotonic", lambda: at[0])
    rotating.open_ring(NOW)
    here = ring._current()
    rotate(NOW, at_once=True)
    ring._ring, ring._read_at = here, at[0]

    at[0] += 29.9
    assert kid_of(minted()) == ring.own().kid
    at[0] += 0.2
    assert kid_of(minted()) != ring.own().kid


def test_a_process_that_only_verifies_stops_believing_within_half_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    at = [1_000.0]
    monkeypatch.setattr("auth.keys.ring.time.monotonic", lambda: at[0])
    rotating.open_ring(NOW)
    token, here = minted(), ring._current()
    stolen = kid_of(token)
    rotate(NOW, at_once=True)
    with transaction() as session:
        rotating.withdraw(session, stolen, actor="operator", now=NOW)
    ring.put(here)
    ring._read_at = at[0]

    at[0] += 29.9
    assert works(token)
    at[0] += 0.2
    assert not works(token)


def test_a_process_that_started_before_its_schema_was_there_follows_it_when_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rotate(NOW, at_once=True)
    at = [1_000.0]
    monkeypatch.setattr("auth.keys.ring.time.monotonic", lambda: at[0])
    is_there = []

    def read() -> Ring:
        if not is_there:
            raise ProgrammingError("SELECT", {}, Exception("there is no such table"))
        return rotating.read()

    tokens.load_key(Settings(environment="test"))
    ring.follow_later(read)
    assert kid_of(minted()) == ring.own().kid

    is_there.append(True)
    at[0] += 30
    assert kid_of(minted()) != ring.own().kid


def test_what_is_not_committed_signs_nothing() -> None:
    with pytest.raises(RuntimeError), transaction() as session:
        rotating.rotate(session, actor="operator", at_once=True, now=NOW)
        raise RuntimeError

    assert kid_of(minted()) == ring.own().kid


def test_keys_rotate_by_themselves() -> None:
    rotating.rotate_due(NOW + QUARTER - timedelta(seconds=1), every=QUARTER)
    assert kid_of(minted()) == ring.own().kid

    rotating.rotate_due(NOW + QUARTER, every=QUARTER)
    assert kid_of(minted()) != ring.own().kid
    with transaction() as session:
        assert session.scalars(select(AuditEntry.actor)).all() == ["schedule"]
    # The other algorithm's next key was made then, and signs when it has been published for a day.
    assert ("RS256", "retired") not in statuses()
    rotating.rotate_due(NOW + QUARTER + PUBLISHED_FOR, every=QUARTER)
    assert ("RS256", "retired") in statuses()
    assert statuses().count(("ES256", "retired")) == 1


def test_a_retired_key_is_published_for_half_a_year_and_then_forgotten() -> None:
    rotate(NOW, at_once=True)
    with transaction() as session:
        before = session.scalar(select(func.count()).select_from(DataKey))

    rotating.rotate_due(NOW + KEPT_FOR - timedelta(seconds=1), every=timedelta(days=400))
    assert ring.own().kid in {key["kid"] for key in tokens.key_set()["keys"]}
    rotating.rotate_due(NOW + KEPT_FOR, every=timedelta(days=400))
    rotating.open_ring(NOW)

    assert ring.own().kid not in {key["kid"] for key in tokens.key_set()["keys"]}
    with transaction() as session:
        # The setting's key had none; the other algorithm's had.
        assert session.scalar(select(func.count()).select_from(DataKey)) == (before or 0) - 1


def test_a_stolen_key_is_withdrawn_at_once() -> None:
    token = minted()
    stolen = kid_of(token)
    with pytest.raises(KeyInUse), transaction() as session:
        rotating.withdraw(session, stolen, actor="operator", now=NOW)
    with pytest.raises(NotFound), transaction() as session:
        rotating.withdraw(session, "nobody's", actor="operator", now=NOW)
    rotate(NOW, at_once=True)
    assert works(token)

    with transaction() as session:
        rotating.withdraw(session, stolen, actor="operator", now=NOW)

    assert not works(token)
    rotating.open_ring(NOW)  # as a process that starts with the setting
    assert not works(token)


def test_another_setting_takes_the_place_of_the_one_before() -> None:
    token = minted()
    other = replace(Settings(environment="test"), token_signing_key=Settings().index_key)
    former = ring.own().kid
    tokens.load_key(other)
    rotating.open_ring(NOW)

    assert kid_of(minted()) == ring.own().kid != former
    assert works(token)  # by the former's public half


def test_a_process_with_the_former_setting_signs_on_until_it_is_restarted() -> None:
    tokens.load_key(replace(Settings(environment="test"), token_signing_key=Settings().index_key))
    rotating.open_ring(NOW)
    elsewhere = ring._current()
    tokens.load_key(Settings(environment="test"))
    ring.follow(rotating.read)
    late = minted()

    ring.put(elsewhere)
    assert works(late)
    assert not works(late, NOW + timedelta(minutes=20))


def test_a_setting_that_was_rotated_away_does_not_come_back_with_a_restart() -> None:
    rotate(NOW, at_once=True)
    tokens.load_key(Settings(environment="test"))
    rotating.open_ring(NOW)

    assert kid_of(minted()) != ring.own().kid


def test_private_keys_are_sealed() -> None:
    with transaction() as session:
        own, *others = session.scalars(select(SigningKey).order_by(SigningKey.private.is_not(None))).all()
        owners = set(session.scalars(select(DataKey.owner_id)).all())

    assert own.private is None
    assert {other.id for other in others} <= owners
    for other in others:
        assert other.private and b"PRIVATE KEY" not in other.private
        with pytest.raises(ValueError):
            serialization.load_der_private_key(other.private, None)


@pytest.mark.parametrize("alg", ["ES256", "RS256"])
def test_a_second_stack_believes_what_we_sign_by_what_we_publish(alg: str) -> None:
    rotate(NOW, at_once=True)
    token = ring.sign({"sub": "ada"}, typ="JWT", alg=alg)
    published = second_jwk.KeySet.import_key_set(tokens.key_set())  # type: ignore[arg-type]

    found = second_jwt.decode(token, published, algorithms=[alg])

    assert found.claims == {"sub": "ada"}
    assert found.header["typ"] == "JWT"


def test_the_thumbprint_of_an_rsa_key_is_its_kid() -> None:
    for key in tokens.key_set()["keys"]:
        assert second_jwk.import_key(key).thumbprint() == key["kid"]
