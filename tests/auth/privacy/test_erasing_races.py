"""Two who delete one account at once, and money that moves meanwhile."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest

from auth import merchants
from auth.privacy.models import Erasure
from core import clock
from core.db import connection_of, transaction
from tests.auth.privacy.conftest import Account, rows_of, work_off
from wallet import checks


@pytest.fixture
def merchant_id(account: Account) -> UUID:
    with transaction() as session:
        return merchants.add_merchant(session, name="Corner Shop", now=clock.now()).id


def test_ten_who_ask_at_once_are_one_erasure(account: Account) -> None:
    ready = Barrier(10)

    def ask(_: int) -> int:
        ready.wait()
        return account.erase().status_code

    with ThreadPoolExecutor(10) as people:
        statuses = sorted(people.map(ask, range(10)))

    assert statuses.count(202) == 1
    assert set(statuses) <= {202, 401, 409}
    assert rows_of("SELECT count(*) FROM auth.erasure") == [(1,)]


def test_a_payment_in_the_same_moment_is_before_it_or_not_at_all(account: Account, merchant_id: UUID) -> None:
    amount = {"amount_minor": 500, "currency": "USD"}
    account.ask("POST", "/topups", {"amount": amount, "source": "sandbox_ok"})
    ready = Barrier(2)

    def pay() -> int:
        ready.wait()
        return account.ask("POST", "/payments", {"amount": amount, "merchant_id": str(merchant_id)}).status_code

    def erase() -> int:
        ready.wait()
        return account.erase().status_code

    with ThreadPoolExecutor(2) as both:
        paying, erasing = both.submit(pay), both.submit(erase)
        paid, erased = paying.result(), erasing.result()

    assert paid == 201
    assert erased in (202, 409)  # 409: the money was still there
    work_off()
    with transaction() as session:
        assert checks.first_difference(connection_of(session)) is None
        found = session.query(Erasure).count()
    assert found == (1 if erased == 202 else 0)


def test_erasures_side_by_side_all_end(account: Account) -> None:
    account.erase()

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(lambda _: work_off(), range(4)))

    assert rows_of("SELECT state FROM auth.erasure") == [("erased",)]
