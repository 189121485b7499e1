"""What is revoked works no more: here at once, elsewhere within a second."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text

from auth import tokens
from auth.tokens import APP, MERCHANT, TokenRefused, revocations
from auth.tokens.models import Revocation
from core import db
from core.db import transaction
from core.errors import DatabaseUnavailable
from core.settings import Settings
from core.web.principals import Principal

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CUSTOMER = Principal(kind="customer", id=UUID(int=1), session_id=UUID(int=2), family_id=UUID(int=3))
TILL = Principal(kind="terminal", id=UUID(int=4), merchant_id=UUID(int=5), store_id=UUID(int=6))


@pytest.fixture(autouse=True)
def _anew(database: None) -> Iterator[None]:
    tokens.load_key(Settings(environment="test"))
    yield
    revocations.forget_known()


def minted(principal: Principal = CUSTOMER, now: datetime = NOW) -> str:
    audience = APP if principal.kind == "customer" else MERCHANT
    return tokens.mint(principal, audience=audience, client_id="an-app", now=now)


def works(token: str, audience: str = APP, now: datetime = NOW) -> bool:
    try:
        tokens.verify(token, audience, now=now)
    except TokenRefused:
        return False
    return True


def revoke(subject: str, now: datetime = NOW) -> None:
    with transaction() as session:
        revocations.add(session, subject, now=now)


def elsewhere(subject: str, now: datetime = NOW) -> None:
    """As another process would: this one learns of it by looking alone."""
    before = revocations._known
    revoke(subject, now)
    revocations._known = before


def test_a_token_that_was_let_in_before_is_refused_once_its_customer_is_revoked() -> None:
    token = minted()
    assert works(token)

    revoke(f"customer:{CUSTOMER.id}")

    assert not works(token)


@pytest.mark.parametrize(
    "subject",
    [
        f"customer:{CUSTOMER.id}",
        f"session:{CUSTOMER.session_id}",
        f"family:{CUSTOMER.family_id}",
        "client:an-app",
    ],
)
def test_a_customers_token_is_stopped_by_all_that_it_hangs_from(subject: str) -> None:
    token = minted()

    revoke(subject.replace(str(CUSTOMER.id), str(uuid4())) if subject.startswith("customer") else f"{subject}0")
    assert works(token)
    revoke(subject)
    assert not works(token)


@pytest.mark.parametrize(
    "subject", [f"terminal:{TILL.id}", f"store:{TILL.store_id}", f"merchant:{TILL.merchant_id}", "client:an-app"]
)
def test_a_tills_token_is_stopped_with_its_store_and_merchant(subject: str) -> None:
    token = minted(TILL)
    assert works(token, MERCHANT)

    revoke(subject)

    assert not works(token, MERCHANT)


def test_one_token_can_be_revoked_alone() -> None:
    token, other = minted(), minted()
    claims = tokens.read(token, now=NOW)
    assert claims

    revoke(f"jti:{claims['jti']}")

    assert (works(token), works(other)) == (False, True)
    assert tokens.read(token, now=NOW) is None


def test_who_comes_back_later_is_let_in_with_a_new_token() -> None:
    revoke(f"customer:{CUSTOMER.id}")

    assert not works(minted())  # of the same second: nobody can tell which was first
    assert works(minted(now=NOW + timedelta(seconds=1)), now=NOW + timedelta(seconds=1))


def test_nothing_comes_after_the_end_of_a_session() -> None:
    revoke(f"session:{CUSTOMER.session_id}")

    assert not works(minted(now=NOW + timedelta(minutes=30)), now=NOW + timedelta(minutes=30))


def test_what_is_rolled_back_revokes_nobody() -> None:
    with pytest.raises(RuntimeError), transaction() as session:
        revocations.add(session, f"customer:{CUSTOMER.id}", now=NOW)
        raise RuntimeError

    assert works(minted())


def test_a_second_revocation_never_shortens_the_first() -> None:
    revoke(f"customer:{CUSTOMER.id}", NOW)
    revoke(f"customer:{CUSTOMER.id}", NOW - timedelta(hours=1))

    assert not works(minted())
    with transaction() as session:
        assert session.scalars(select(Revocation.issued_until)).one() == NOW


def test_another_process_learns_of_it_at_its_next_look(monkeypatch: pytest.MonkeyPatch) -> None:
    at = [100.0]
    monkeypatch.setattr(revocations.time, "monotonic", lambda: at[0])
    revocations.look(NOW)
    elsewhere(f"customer:{CUSTOMER.id}")

    at[0] += 0.99
    revocations.look(NOW)
    assert works(minted())

    at[0] += 0.01
    revocations.look(NOW)
    assert not works(minted())


def test_a_new_process_knows_all_that_holds() -> None:
    elsewhere(f"customer:{CUSTOMER.id}")
    with transaction() as session:
        session.execute(text("UPDATE auth.revocation SET written_at = written_at - interval '1 day'"))

    revocations.look(NOW)

    assert not works(minted())


def test_a_transaction_that_committed_late_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    at = [100.0]
    monkeypatch.setattr(revocations.time, "monotonic", lambda: at[0])
    revocations.look(NOW)
    elsewhere(f"customer:{CUSTOMER.id}")
    with transaction() as session:
        session.execute(text("UPDATE auth.revocation SET written_at = written_at - interval '20 seconds'"))

    at[0] += 1
    revocations.look(NOW)

    assert not works(minted())


def test_nobody_is_let_in_when_nobody_could_look_for_ten_seconds(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = [100.0]
    monkeypatch.setattr(revocations.time, "monotonic", lambda: at[0])
    revocations.look(NOW)

    def away() -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(revocations, "statement", away)
    at[0] += 9.9
    revocations.look(NOW)
    at[0] += 1
    with pytest.raises(DatabaseUnavailable):
        revocations.look(NOW)
    monkeypatch.setattr(revocations, "statement", db.statement)
    revocations.look(NOW)


class Counted:
    """A lock that knows how many have come to it."""

    def __init__(self) -> None:
        self.came, self._lock = threading.Semaphore(0), threading.Lock()

    def __enter__(self) -> None:
        self.came.release()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_who_waits_for_a_look_that_fails_makes_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    lock, looks = Counted(), []

    def away() -> None:
        looks.append(1)
        for _ in range(8):
            lock.came.acquire()  # until all of them wait
        raise DatabaseUnavailable

    def look(_: int) -> None:
        with pytest.raises(DatabaseUnavailable):
            revocations.look(NOW)

    revocations.forget_known()
    monkeypatch.setattr(revocations, "_looking", lock)
    monkeypatch.setattr(revocations, "statement", away)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(look, range(8)))

    assert len(looks) == 1


def test_rows_that_stop_nothing_any_more_are_forgotten() -> None:
    revoke(f"family:{CUSTOMER.family_id}")
    revoke(f"customer:{CUSTOMER.id}")

    with transaction() as session:
        assert revocations.forget(session, now=NOW + timedelta(minutes=59), most=10) == 0
        assert revocations.forget(session, now=NOW + timedelta(hours=1), most=10) == 1
        assert revocations.forget(session, now=NOW + timedelta(days=2), most=10) == 1
    assert revocations._known == {}
