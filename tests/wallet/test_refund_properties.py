"""However a payment is given back, in parts or whole: exact to the minor unit, within every cap, and in proportion."""

from uuid import UUID

from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from core import ids
from core.db import transaction
from core.money import MAX_AMOUNT_MINOR
from tests.wallet.conftest import NOW, balance, open_account, open_payable, post
from wallet import accounts, checks, payments, refunds
from wallet.ledger import Leg
from wallet.payments import Payment
from wallet.shares import shares

rests = st.lists(st.integers(0, MAX_AMOUNT_MINOR), min_size=1, max_size=6)
#: How much of what is left goes back at each turn, in millionths.
portions = st.lists(st.integers(1, 1_000_000), max_size=8)


@given(rests=rests, portion=st.integers(1, 1_000_000))
@example(rests=[500, 500], portion=1_000)
@example(rests=[1, 1, 1], portion=666_667)
@example(rests=[0, 7], portion=1_000_000)
def test_a_share_is_less_than_a_minor_unit_from_its_proportion(rests: list[int], portion: int) -> None:
    left = sum(rests)
    amount = part_of(left, portion)
    assume(amount)

    given = shares(rests, amount)

    assert sum(given) == amount
    for rest, share in zip(rests, given, strict=True):
        assert 0 <= share <= rest
        assert abs(share * left - rest * amount) < left


@given(rests=rests, portions=portions)
def test_partial_refunds_end_where_one_whole_refund_ends(rests: list[int], portions: list[int]) -> None:
    still = rests

    for portion in [*portions, 1_000_000]:
        amount = part_of(sum(still), portion)
        if amount:
            still = [rest - share for rest, share in zip(still, shares(still, amount), strict=True)]
            assert min(still) >= 0

    assert sum(still) == 0


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(taken=st.lists(st.integers(1, 60), min_size=1, max_size=4), portions=portions)
def test_sources_and_merchant_stand_as_if_nothing_was_paid(
    connection: Connection, taken: list[int], portions: list[int]
) -> None:
    merchant_id = ids.new()
    payable, sources = open_payable(connection, merchant_id), [filled(connection, amount) for amount in taken]
    payment_id = paid(connection, merchant_id, sources, taken)
    left = sum(taken)

    for portion in [*portions, 1_000_000]:
        amount = part_of(left, portion)
        if amount:
            give_back(payment_id, merchant_id, amount)
            left -= amount
        held = [balance(connection, source) for source in sources]
        assert (sum(held), balance(connection, payable)) == (sum(taken) - left, left)
        assert all(has <= gave for has, gave in zip(held, taken, strict=True))

    assert [balance(connection, source) for source in sources] == taken
    assert checks.first_difference(connection) is None


def part_of(left: int, portion: int) -> int:
    """Rounded up, so that something goes back while anything is left."""
    return -(-left * portion // 1_000_000)


def filled(connection: Connection, amount: int) -> UUID:
    source = open_account(connection, "gift")
    accounts.open_all(connection, [accounts.of_provider("USD")])
    post(connection, (accounts.of_provider("USD").id, -amount), (source, amount))
    return source


def paid(connection: Connection, merchant_id: UUID, sources: list[UUID], taken: list[int]) -> UUID:
    legs = tuple(Leg(source, -amount) for source, amount in zip(sources, taken, strict=True))
    return payments.pay(
        connection,
        Payment(
            principal="test", key=str(ids.new()), fingerprint=b"", customer_id=ids.new(), merchant_id=merchant_id,
            amount_minor=sum(taken), currency="USD", at=NOW, sources=legs,
        ),
    ).transfer_id  # fmt: skip


def give_back(payment_id: UUID, merchant_id: UUID, amount: int) -> None:
    with transaction() as session:
        refunds.refund(
            session, principal="test", key=str(ids.new()), fingerprint=b"", payment_id=payment_id,
            merchant_id=merchant_id, amount_minor=amount, at=NOW,
        )  # fmt: skip
