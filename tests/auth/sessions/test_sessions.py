"""Sessions begin, are found, lie idle and end, and take what hangs from them along."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text

from auth import customers, sessions, staff
from auth.oauth.models import TokenFamily
from auth.proofs import MULTI_FACTOR, ONE_FACTOR, Owner, Proved
from auth.sessions import beginning, ending
from auth.sessions.models import LoginSession
from core import crypto
from core.db import transaction

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CLIENT = "pocketful-app"


@pytest.fixture
def owner(database: None) -> Owner:
    with transaction() as session:
        customer = customers.sign_up(session, phone="+12125550142", locale=None, time_zone=None, now=NOW)
        return Owner(customer_id=customer.id)


@pytest.fixture
def person(database: None) -> Owner:
    with transaction() as session:
        added = staff.add(session, email="pat@example.com", name="Pat", permissions=[], now=NOW)
        return Owner(staff_id=added.id)


def proved(owner: Owner) -> Proved:
    acr = ONE_FACTOR if owner.customer_id else MULTI_FACTOR
    return Proved(owner=owner, auth_time=NOW, acr=acr, amr=("otp", "sms"))


def begun(owner: Owner, kind: beginning.Kind = "web", **more: str) -> sessions.Begun:
    with transaction() as session:
        return sessions.begin(session, proved=proved(owner), kind=kind, client_id=CLIENT, now=NOW, **more)


def living(handle: str, kind: beginning.Kind = "web", *, after: timedelta = timedelta()) -> sessions.Live | None:
    with transaction() as session:
        return sessions.by_handle(session, handle, kind=kind, now=NOW + after)


def add_family(session_id: UUID, owner: Owner, *, rotated_at: datetime = NOW) -> UUID:
    """A family as it stands in the table, whatever columns its secrets are in."""
    family_id = uuid4()
    with transaction() as session:
        row = TokenFamily(
            id=family_id, client_id=CLIENT, customer_id=owner.customer_id, session_id=session_id, auth_time=NOW,
            acr=ONE_FACTOR, rotated_at=rotated_at, created_at=NOW,
        )  # fmt: skip
        for name, value in {
            "token": bytes(32),
            "idle_seconds": 2_592_000,
            "ends_at": NOW + timedelta(days=180),
        }.items():
            if hasattr(TokenFamily, name):
                setattr(row, name, value)
        session.add(row)
    return family_id


def test_a_session_is_found_by_its_handle(owner: Owner) -> None:
    one = begun(owner)

    found = living(one.handle)

    assert found is not None and (found.id, found.proved) == (one.id, proved(owner))
    assert living(one.handle, "app") is None
    assert living(one.handle + "x") is None


def test_a_handle_is_kept_as_its_hmac_alone(owner: Owner) -> None:
    one = begun(owner)

    with transaction() as session:
        row = session.get_one(LoginSession, one.id)
    assert row.handle is not None and one.handle.encode() not in row.handle


@pytest.mark.parametrize(
    ("address", "network"),
    [("203.0.113.77", "203.0.113.0/24"), ("::ffff:203.0.113.77", "203.0.113.0/24"),
     ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64")],
)  # fmt: skip
def test_where_a_session_began_is_kept_as_its_network_and_sealed(owner: Owner, address: str, network: str) -> None:
    one = begun(owner, address=address, agent="Wallet/3.1 " + "x" * 100)

    with transaction() as session:
        row = session.get_one(LoginSession, one.id)
        assert row.place is not None and row.agent is not None and network.encode() not in row.place
        opened = [
            crypto.unseal(session, owner_id=owner.id, place=place, row_id=one.id, ciphertext=sealed)
            for place, sealed in [(beginning.NETWORK_PLACE, row.place), (beginning.AGENT_PLACE, row.agent)]
        ]
    assert opened == [network, ("Wallet/3.1 " + "x" * 100)[:60]]


def test_an_address_that_is_none_is_kept_as_nothing(owner: Owner) -> None:
    one = begun(owner, address="not an address")

    with transaction() as session:
        assert session.get_one(LoginSession, one.id).place is None


@pytest.mark.parametrize(
    ("whose", "idle"), [("owner", timedelta(days=30)), ("person", timedelta(minutes=30))]
)  # fmt: skip
def test_an_idle_session_is_over(request: pytest.FixtureRequest, whose: str, idle: timedelta) -> None:
    one = begun(request.getfixturevalue(whose))

    assert living(one.handle, after=idle - timedelta(seconds=1)) is not None
    assert living(one.handle, after=idle) is None


def test_use_keeps_a_session_alive_up_to_its_end(person: Owner) -> None:
    one = begun(person)
    for minutes in range(20, 8 * 60, 20):
        with transaction() as session:
            sessions.touch(session, one.id, now=NOW + timedelta(minutes=minutes))

    assert living(one.handle, after=timedelta(hours=8) - timedelta(seconds=1)) is not None
    assert living(one.handle, after=timedelta(hours=8)) is None


def test_use_is_written_once_a_minute(owner: Owner) -> None:
    one = begun(owner)
    seen = []
    for seconds in (59, 60, 61, 119, 120):
        with transaction() as session:
            sessions.touch(session, one.id, now=NOW + timedelta(seconds=seconds))
        with transaction() as session:
            seen.append((session.get_one(LoginSession, one.id).seen_at - NOW).seconds)

    assert seen == [0, 60, 60, 60, 120]


def test_an_app_that_refreshes_keeps_its_session(owner: Owner) -> None:
    one = begun(owner, "app")
    add_family(one.id, owner, rotated_at=NOW + timedelta(days=20))

    found = living(one.handle, "app", after=timedelta(days=49))
    assert found is not None and found.seen_at == NOW + timedelta(days=20)
    assert living(one.handle, "app", after=timedelta(days=50)) is None


def test_what_hangs_from_a_session_ends_with_it(owner: Owner) -> None:
    one, other = begun(owner), begun(owner)
    mine, others = add_family(one.id, owner), add_family(other.id, owner)

    with transaction() as session:
        assert sessions.end(session, one.id, because="signed_out", now=NOW)

    with transaction() as session:
        assert session.get_one(TokenFamily, mine).revoked_because == "signed_out"
        assert session.get_one(TokenFamily, others).revoked_at is None
        subjects = session.scalars(text("SELECT subject FROM auth.revocation")).all()
        ended = session.execute(text("SELECT customer_id, payload FROM core.event WHERE name = 'session.ended'")).one()
    assert f"session:{one.id}" in subjects and f"session:{other.id}" not in subjects
    assert ended.customer_id == owner.customer_id and ended.payload["reason"] == "signed_out"
    assert living(one.handle) is None and living(other.handle) is not None


def test_a_session_ends_once(owner: Owner) -> None:
    one = begun(owner)

    with transaction() as session:
        assert sessions.end(session, one.id, because="signed_out", now=NOW)
    with transaction() as session:
        assert not sessions.end(session, one.id, because="suspended", now=NOW)
        assert not sessions.end(session, uuid4(), because="suspended", now=NOW)

    with transaction() as session:
        assert session.get_one(LoginSession, one.id).ended_because == "signed_out"


@pytest.fixture
def told() -> Iterator[list[UUID]]:
    before, told = ending._endings, list[UUID]()

    def tell(session: object, session_id: UUID, now: datetime) -> None:
        told.append(session_id)

    ending.register([tell])
    yield told
    ending.register(before)


def test_who_is_registered_is_told_of_a_session_that_ends_once(owner: Owner, told: list[UUID]) -> None:
    one = begun(owner)

    for _ in range(2):
        with transaction() as session:
            sessions.end(session, one.id, because="signed_out", now=NOW)

    assert told == [one.id]


def test_signing_out_everywhere_spares_the_one_that_asks_and_everybody_else(owner: Owner, person: Owner) -> None:
    mine, this, theirs = begun(owner), begun(owner), begun(person)

    with transaction() as session:
        assert sessions.end_all(session, owner, but=this.id, because="signed_out", now=NOW) == 1

    assert living(mine.handle) is None
    assert living(this.handle) is not None and living(theirs.handle) is not None


def test_where_an_ended_session_was_is_forgotten(owner: Owner) -> None:
    one = begun(owner, address="203.0.113.77", agent="Wallet/3.1", device_id="phone-1")
    with transaction() as session:
        sessions.end(session, one.id, because="signed_out", now=NOW)

    with transaction() as session:
        row = session.get_one(LoginSession, one.id)
    assert (row.place, row.agent, row.device_id) == (None, None, None)


def test_sessions_are_forgotten_when_nothing_hangs_from_them(owner: Owner) -> None:
    bare, hung = begun(owner), begun(owner)
    add_family(hung.id, owner)
    with transaction() as session:
        sessions.end_all(session, owner, because="signed_out", now=NOW)

    with transaction() as session:
        assert ending.forget(session, now=NOW + ending.KEPT_FOR - timedelta(seconds=1), most=10) == 0
        assert ending.forget(session, now=NOW + ending.KEPT_FOR, most=10) == 1

    with transaction() as session:
        assert session.scalars(select(LoginSession.id)).all() == [hung.id]
    assert bare.id != hung.id


def test_an_owner_is_exactly_one() -> None:
    with pytest.raises(ValueError, match="customer or a person"):
        replace(Owner(customer_id=uuid4()), customer_id=None)
