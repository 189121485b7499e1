"""Whatever is posted in whatever order: the ledger equals a plain model of it, and its own check agrees."""

from collections import Counter
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from core import ids
from tests.wallet.conftest import open_account, transfer
from wallet import checks, ledger
from wallet.errors import InsufficientFunds, RefundExceedsPayment
from wallet.ledger import Leg, Transfer

FLOORED, FREE = 3, 1

place = st.integers(0, FLOORED + FREE - 1)
moves = st.lists(st.tuples(place, place, st.integers(1, 40)), min_size=1, max_size=3)
#: Transfers under six keys, so that some come again, in one batch or in a later one.
batches = st.lists(st.lists(st.tuples(st.integers(0, 5), moves), min_size=1, max_size=4), min_size=1, max_size=5)


class Model:
    """What the ledger should hold, kept in a dictionary."""

    def __init__(self, floored: set[UUID]) -> None:
        self.floored = floored
        self.held: Counter[UUID] = Counter()
        self.keys: set[str] = set()

    def post(self, batch: list[Transfer]) -> bool:
        """Whether the ledger should take the batch; kept if so."""
        after, keys = self.held.copy(), set(self.keys)
        for each in batch:
            if each.key in keys:
                continue
            keys.add(each.key)
            change: Counter[UUID] = Counter()
            for leg in each.legs:
                change[leg.account_id] += leg.amount
            after.update(change)
            if any(change[account] < 0 and after[account] < 0 for account in self.floored):
                return False
        self.held, self.keys = after, keys
        return True


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=batches)
def test_ledger_equals_its_model(
    connection: Connection, script: list[list[tuple[int, list[tuple[int, int, int]]]]]
) -> None:
    accounts = [open_account(connection, "cash", floor=0 if n < FLOORED else None) for n in range(FLOORED + FREE)]
    model, run = Model(set(accounts[:FLOORED])), ids.new()

    for batch in script:
        transfers = [transfer(_legs(accounts, chosen), key=f"{run}:{key}") for key, chosen in batch]
        if model.post(transfers):
            ledger.post_all(connection, transfers)
        else:
            with pytest.raises(InsufficientFunds):
                ledger.post_all(connection, transfers)

    rows = connection.execute("SELECT account_id, posted FROM wallet.balance WHERE account_id = ANY (%s)", [accounts])
    assert dict(rows.fetchall()) == {account: model.held[account] for account in accounts}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_minor=st.lists(st.integers(1, 50), min_size=1, max_size=3), backs=st.lists(st.integers(1, 60), max_size=6))
def test_refunds_never_pass_what_each_source_gave(
    connection: Connection, given_minor: list[int], backs: list[int]
) -> None:
    sources = [open_account(connection, "cash", floor=None) for _ in given_minor]
    taker = open_account(connection, "cash", floor=None)
    legs = [Leg(source, -amount) for source, amount in zip(sources, given_minor, strict=True)]
    paid = ledger.post(connection, transfer([*legs, Leg(taker, sum(given_minor))]))

    left = dict(zip(sources, given_minor, strict=True))
    for turn, amount in enumerate(backs):
        source = sources[turn % len(sources)]
        back = transfer([Leg(taker, -amount), Leg(source, amount)], parent_id=paid.transfer_id)
        if amount <= left[source]:
            ledger.post(connection, back)
            left[source] -= amount
        else:
            with pytest.raises(RefundExceedsPayment):
                ledger.post(connection, back)

    rows = connection.execute(
        "SELECT account_id, (amount - refunded) FROM wallet.source WHERE transfer_id = %s", [paid.transfer_id]
    )
    assert dict(rows.fetchall()) == left
    assert checks.first_difference(connection) is None


def _legs(accounts: list[UUID], chosen: list[tuple[int, int, int]]) -> list[Leg]:
    return [
        leg for giver, taker, amount in chosen for leg in (Leg(accounts[giver], -amount), Leg(accounts[taker], amount))
    ]
