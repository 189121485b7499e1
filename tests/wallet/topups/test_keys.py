"""One key, one deed: a top-up and a payment never share one."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from psycopg import Connection

from core import ids
from core.db import statement
from core.idempotency import KeyReused
from tests.wallet.conftest import NOW, count, open_cash, open_payable, post
from tests.wallet.topups.test_requests import Provider, cash, request
from wallet import topups
from wallet.topups import Taken


@pytest.mark.parametrize("fingerprint", [b"payment", b"same"])
def test_key_that_names_a_payment_is_never_charged(connection: Connection, fingerprint: bytes) -> None:
    customers, provider = [ids.new(), ids.new()], Provider()
    cash_id, payable = open_cash(connection, 100), open_payable(connection)
    post(connection, (cash_id, -10), (payable, 10), key="k", fingerprint=fingerprint)
    asked = [request(customers[0], principal="test", key="k"), request(customers[1], principal="test", key="other")]

    answers = topups.take_all(asked, gateway=provider, now=NOW)

    assert isinstance(answers[0], KeyReused)
    assert isinstance(answers[1], Taken)
    assert list(provider.charged) == [str(asked[1].id)]
    assert count(connection, "wallet.topup") == 1


def test_topup_and_payment_under_one_key_at_once_are_one_deed(connection: Connection) -> None:
    payable = open_payable(connection)

    def race(number: int) -> tuple[bool, bool]:
        """Whether the top-up and whether the payment took effect."""
        customer_id, start, provider = ids.new(), Barrier(2), Provider()
        cash_id = open_cash(connection, 100, customer_id=customer_id)

        def pay() -> bool:
            with statement() as own:
                start.wait(5)
                return took(lambda: post(own, (cash_id, -10), (payable, 10), key=f"k{number}", fingerprint=b"payment"))

        def top_up() -> bool:
            start.wait(5)
            asked = request(customer_id, principal="test", key=f"k{number}")
            return took(lambda: topups.take(asked, gateway=provider, now=NOW))

        with ThreadPoolExecutor(2) as pool:
            paid, topped_up = pool.submit(pay), pool.submit(top_up)
            effects = (topped_up.result(), paid.result())
        assert cash(connection, customer_id) == 100 + 2500 * effects[0] - 10 * effects[1]
        assert len(provider.charged) == effects[0]
        return effects

    assert {sum(race(number)) for number in range(10)} == {1}


def took(deed: Callable[[], object]) -> bool:
    try:
        deed()
    except KeyReused:
        return False
    return True
