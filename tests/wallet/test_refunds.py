"""Refunds: back to where it came from, in proportion, never more than came."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection

from core import ids
from core.db import transaction
from core.errors import NotFound
from core.idempotency import KeyReused
from tests.wallet.conftest import NOW, balance, count, open_account, open_cash, open_payable, post, transfer
from wallet import accounts, checks, ledger, payments, refunds
from wallet.errors import RefundExceedsPayment, RefundToStranger
from wallet.ledger import Leg, Posted
from wallet.payments import Payment


class Paid:
    """One payment of 10.00: 4.00 from a gift card, then 6.00 from cash that held 20.00."""

    def __init__(self, connection: Connection) -> None:
        self.customer_id, self.merchant_id = ids.new(), ids.new()
        self.cash = open_cash(connection, 2000, customer_id=self.customer_id)
        self.gift = open_account(connection, "gift")
        self.payable = open_payable(connection, self.merchant_id)
        post(connection, (accounts.of_provider("USD").id, -400), (self.gift, 400))
        self.id = payments.pay(
            connection,
            Payment(
                principal="test", key=str(ids.new()), fingerprint=b"", customer_id=self.customer_id,
                merchant_id=self.merchant_id, amount_minor=1000, currency="USD", at=NOW,
                sources=(Leg(self.gift, -400), Leg(self.cash, -600)),
            ),
        ).transfer_id  # fmt: skip


@pytest.fixture
def paid(connection: Connection) -> Paid:
    return Paid(connection)


def refund(paid: Paid, amount_minor: int | None = None, *, merchant_id: UUID | None = None, **more: object) -> Posted:
    values = {"key": str(ids.new()), "fingerprint": b"same", **more}
    with transaction() as session:
        return refunds.refund(
            session, principal="terminal:1", payment_id=paid.id, merchant_id=merchant_id or paid.merchant_id,
            amount_minor=amount_minor, at=NOW, **values,
        )  # type: ignore[arg-type]  # fmt: skip


def standing(connection: Connection, paid: Paid) -> tuple[int, int, int]:
    return balance(connection, paid.gift), balance(connection, paid.cash), balance(connection, paid.payable)


def test_whole_refund_returns_each_part_to_its_source(connection: Connection, paid: Paid) -> None:
    refund(paid)

    assert standing(connection, paid) == (400, 2000, 0)
    assert payments.find(connection, paid.id, merchant_id=paid.merchant_id)["refunded"]["amount_minor"] == 1000
    assert count(connection, "core.event WHERE name = 'payment.refunded'") == 1
    assert checks.first_difference(connection) is None


def test_partial_refunds_go_back_in_proportion(connection: Connection, paid: Paid) -> None:
    refund(paid, 300)
    assert standing(connection, paid) == (120, 1580, 700)

    refund(paid, 300)
    assert standing(connection, paid) == (240, 1760, 400)

    refund(paid)
    assert standing(connection, paid) == (400, 2000, 0)


def test_refunds_add_up_to_the_payment_and_not_a_cent_more(connection: Connection, paid: Paid) -> None:
    refund(paid, 999)
    refund(paid, 1)

    with pytest.raises(RefundExceedsPayment) as refused:
        refund(paid, 1)

    assert refused.value.facts == {"refundable_minor": 0}
    assert standing(connection, paid) == (400, 2000, 0)


@pytest.mark.parametrize("amount_minor", [0, -1, 1001])
def test_amounts_outside_what_is_left_are_refused(paid: Paid, amount_minor: int) -> None:
    with pytest.raises(RefundExceedsPayment):
        refund(paid, amount_minor)


def test_same_key_refunds_once_even_when_nothing_is_left(connection: Connection, paid: Paid) -> None:
    first = refund(paid, key="k")
    again = refund(paid, key="k")

    assert (again.replayed, again.transfer_id) == (True, first.transfer_id)
    assert standing(connection, paid) == (400, 2000, 0)
    with pytest.raises(KeyReused):
        refund(paid, 5, key="k", fingerprint=b"other")


def test_same_key_eight_ways_refunds_once(connection: Connection, paid: Paid) -> None:
    with ThreadPoolExecutor(8) as pool:
        posted = list(pool.map(lambda _: refund(paid, 600, key="k"), range(8)))

    assert len({one.transfer_id for one in posted}) == 1
    assert standing(connection, paid) == (240, 1760, 400)


def test_eight_refunds_at_once_stop_at_the_payment(connection: Connection, paid: Paid) -> None:
    def one(_: int) -> bool:
        try:
            refund(paid, 300)
        except RefundExceedsPayment:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(one, range(8)))

    assert sorted(done) == [False] * 5 + [True] * 3
    assert standing(connection, paid) == (360, 1940, 100)


def test_payment_is_refunded_by_its_own_merchant_only(paid: Paid) -> None:
    with pytest.raises(NotFound):
        refund(paid, merchant_id=ids.new())


def test_the_database_caps_each_source_whoever_asks(connection: Connection, paid: Paid) -> None:
    too_much = transfer([Leg(paid.payable, -401), Leg(paid.gift, 401)], parent_id=paid.id)

    with pytest.raises(RefundExceedsPayment):
        ledger.post(connection, too_much)

    assert standing(connection, paid) == (0, 1400, 1000)


def test_value_cannot_go_back_to_who_never_gave_it(connection: Connection, paid: Paid) -> None:
    stranger = open_cash(connection)

    with pytest.raises(RefundToStranger):
        ledger.post(connection, transfer([Leg(paid.payable, -5), Leg(stranger, 5)], parent_id=paid.id))


def test_refund_of_a_refund_is_refused(connection: Connection, paid: Paid) -> None:
    refunded = refund(paid, 100).transfer_id

    with pytest.raises(RefundToStranger):
        ledger.post(connection, transfer([Leg(paid.gift, -5), Leg(paid.payable, 5)], parent_id=refunded))


def test_what_went_back_is_moved_by_the_posting_alone(connection: Connection, paid: Paid) -> None:
    refund(paid, 100)

    with pytest.raises(psycopg.errors.RestrictViolation):
        connection.execute("UPDATE wallet.transfer_part SET refunded = 0 WHERE refunded > 0")


def test_what_is_known_to_go_back_to_a_source_goes_there(connection: Connection, paid: Paid) -> None:
    refund(paid, 500, fixed={paid.gift: 300})

    assert standing(connection, paid) == (300, 1600, 500)


def test_more_than_a_source_can_take_goes_to_the_others(connection: Connection, paid: Paid) -> None:
    refund(paid, 500, fixed={paid.gift: 450})

    assert standing(connection, paid) == (400, 1500, 500)


def test_more_than_the_others_can_take_goes_to_the_known_one(connection: Connection, paid: Paid) -> None:
    refund(paid, 700, fixed={paid.gift: 100})

    assert standing(connection, paid) == (100, 2000, 300)

    refund(paid, 300, fixed={paid.gift: 0})

    assert standing(connection, paid) == (400, 2000, 0)


def test_refunds_of_lines_end_where_one_whole_refund_ends(connection: Connection, paid: Paid) -> None:
    for amount, known in ((333, 150), (333, 133), (334, 117)):
        refund(paid, amount, fixed={paid.gift: known})

    assert standing(connection, paid) == (400, 2000, 0)
