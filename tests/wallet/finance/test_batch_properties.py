"""Batches against a model: lines that are posted each for itself end as if they had been posted one after the other."""

from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import ids
from tests.wallet.conftest import NOW
from tests.wallet.finance.people import add_customer, first_difference, give, standing, usd
from wallet import accounts
from wallet.finance import batch_posting, batches, lines
from wallet.finance.batches import Batch

PEOPLE = 3

#: From whom (the brand, or one of three customers) to whom, and how much.
MOVES = st.lists(
    st.tuples(st.integers(-1, PEOPLE - 1), st.integers(-1, PEOPLE - 1), st.integers(1, 60)).filter(
        lambda move: move[0] != move[1]
    ),
    min_size=1,
    max_size=25,
)


@pytest.fixture
def people(database: None) -> list[UUID]:
    return [add_customer(number) for number in range(PEOPLE)]


@pytest.mark.parametrize("mode", ["each", "all_or_nothing"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=MOVES, begins_with=st.lists(st.integers(0, 80), min_size=PEOPLE, max_size=PEOPLE), chunk=st.integers(1, 9))
def test_a_batch_ends_as_its_lines_one_by_one(
    people: list[UUID], mode: str, moves: list[tuple[int, int, int]], begins_with: list[int], chunk: int
) -> None:
    cash = [accounts.of_customer(customer_id, "USD") for customer_id in people]
    for opening, amount in zip(cash, begins_with, strict=True):
        _set(opening, amount)
    expected, codes = _one_by_one(moves, begins_with)
    if mode == "all_or_nothing" and "insufficient_funds" in codes:
        expected, codes = begins_with, []

    usual, batch_posting.CHUNK = batch_posting.CHUNK, chunk
    try:
        outcome = batches.run(_batch(moves, people, mode), now=NOW)
        told = [result.code or result.status for result in outcome.results]
    except Exception as refusal:
        assert getattr(refusal, "code", None) == "insufficient_funds", refusal
        told = []
    finally:
        batch_posting.CHUNK = usual

    assert told == codes
    assert [standing(opening) for opening in cash] == expected
    assert first_difference() is None


def _one_by_one(moves: list[tuple[int, int, int]], begins_with: list[int]) -> tuple[list[int], list[str]]:
    stands, codes = list(begins_with), []
    for source, target, amount in moves:
        is_enough = source < 0 or stands[source] >= amount
        codes.append("posted" if is_enough else "insufficient_funds")
        if is_enough:
            for who, change in ((source, -amount), (target, amount)):
                if who >= 0:
                    stands[who] += change
    return stands, codes


def _batch(moves: list[tuple[int, int, int]], people: list[UUID], mode: str) -> Batch:
    def place(who: int) -> str:
        return "brand:marketing" if who < 0 else f"customer:{people[who]}:cash"

    raw = [
        {"reference": str(n), "kind": "transfer", "from": place(source), "to": place(target), "amount": usd(amount)}
        for n, (source, target, amount) in enumerate(moves)
    ]
    return Batch(
        principal="staff:ada", key=str(ids.new()), fingerprint=b"f", content=b"c", mode=mode, lines=lines.read(raw)
    )


def _set(opening: accounts.Opening, amount: int) -> None:
    """Let exactly so much stand on an account."""
    change = amount - standing(opening)
    if change:
        give(opening, change)
