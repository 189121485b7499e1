"""The short way of posting (`wallet.post_one`) and the long one (`wallet.post`) do the same with the same transfer.

Where a transfer has several faults, both refuse it, and each may name another of them.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from core import ids
from core.db import connection_of, transaction
from core.errors import Refusal
from tests.wallet.conftest import NOW, transfer
from wallet import accounts, ledger, limits, posting
from wallet.accounts import Opening
from wallet.events import PaymentCompleted
from wallet.ledger import Limit, Transfer

PLACES = 7
legs_of = st.lists(st.tuples(st.integers(0, PLACES - 1), st.integers(-60, 60).filter(bool)), min_size=1, max_size=3)


@dataclass(frozen=True)
class Town:
    """Accounts of every standing: filled, empty, frozen and closed, hot ones over shards, one that is not there."""

    customer_id: UUID
    places: list[Opening]


def town(connection: Connection) -> Town:
    customer_id = ids.new()
    cash = [accounts.of_customer(customer_id, "USD"), *(accounts.of_customer(ids.new(), "USD") for _ in range(3))]
    hot = [accounts.of_merchant(ids.new(), "USD"), accounts.of_provider("USD")]
    accounts.open_all(connection, [*cash, *hot])
    for filled in (cash[0], cash[2], cash[3]):
        ledger.post(connection, transfer([hot[1].leg(-100), filled.leg(100)]))
    with transaction() as session:
        limits.set_rule(session, tier="basic", scope="pay", asset="USD", measures={"per_transfer": 50}, now=NOW)
        own = connection_of(session)
        own.execute("UPDATE wallet.account SET status = 'frozen' WHERE id = %s", [cash[2].id])
        own.execute("UPDATE wallet.account SET status = 'closed' WHERE id = %s", [cash[3].id])
    return Town(customer_id, [*cash, *hot, accounts.of_customer(ids.new(), "USD")])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    chosen=legs_of, is_balanced=st.integers(0, 5), counted=st.none() | st.integers(30, 60), announces=st.booleans(),
    is_known=st.booleans(),
)  # fmt: skip
def test_both_ways_do_the_same(
    connection: Connection,
    chosen: list[tuple[int, int]],
    is_balanced: int,
    counted: int | None,
    announces: bool,
    is_known: bool,
) -> None:
    there = town(connection)
    amounts = dict(chosen)
    if is_balanced:
        amounts[5] = amounts.get(5, 0) - sum(amounts.values())
    amounts = {place: amount for place, amount in amounts.items() if amount}
    assume(len(amounts) > 1)
    customer = there.customer_id
    money: dict[str, Any] = {"merchant_id": ids.new(), "amount_minor": 5, "currency": "USD"}
    paid = PaymentCompleted(
        customer_id=customer, occurred_at=NOW, payment_id=ids.new(), store_id=None, terminal_id=None, **money
    )
    asked = transfer(
        [there.places[place].leg(amount) for place, amount in amounts.items()],
        details={"note": "same"},
        limits=(Limit(customer_id=customer, scope="pay", asset="USD", amount=counted),) if counted else (),
        events=(paid,) if announces else (),
    )
    assume(posting.is_plain(asked))
    if is_known:
        first = transfer([there.places[5].leg(-1), there.places[0].leg(1)], key=asked.key)
        ledger.post(connection, first)

    short, long = outcome(there, asked, is_short=True), outcome(there, asked, is_short=False)

    faults = faults_of(there, asked)
    event("done" if isinstance(short, list) else short[0])
    assert isinstance(short, list) == isinstance(long, list) == (not faults or is_known)
    if len(faults) < 2:
        assert short == long


def outcome(there: Town, asked: Transfer, *, is_short: bool) -> Any:
    """What it is answered and what it leaves behind, in a transaction that is undone."""
    with transaction() as session:
        connection = connection_of(session)
        try:
            with session.begin_nested():
                posted = ledger.post(connection, asked) if is_short else ledger.post_all(connection, [asked])[0]
                left = [connection.execute(query, _names(there, asked)).fetchall() for query in _LEFT]
                raise _Undo
        except _Undo:
            return [posted, *left]
        except Refusal as refusal:
            return type(refusal).__name__, getattr(refusal, "position", None), refusal.facts
        except psycopg.errors.CheckViolation as error:
            return error.diag.constraint_name, None, None
        finally:
            session.rollback()


def faults_of(there: Town, asked: Transfer) -> set[str]:
    """Why it cannot be posted, as the town is."""
    amounts = {leg.account_id: leg.amount for leg in asked.legs}
    filled, empty, frozen, closed, _, _, missing = [amounts.get(place.id, 0) for place in there.places]
    found = {
        "unbalanced": sum(amounts.values()) != 0,
        "frozen": frozen < 0,
        "closed": closed != 0,
        "missing": missing != 0,
        "filled is not enough": filled < -100,
        "empty is not enough": empty < 0,
        "closed is not enough": closed < -100,
        "limit": any(limit.amount > 50 for limit in asked.limits),
    }
    return {name for name, is_so in found.items() if is_so}


class _Undo(Exception):
    pass


def _names(there: Town, asked: Transfer) -> dict[str, Any]:
    ids_ = [place.id for place in there.places]
    return {"id": asked.id, "key": asked.key, "customer": there.customer_id, "accounts": ids_}


_LEFT = (
    """SELECT id, principal, fingerprint, kind, state, parent_id, details, effective_at, hold_id, epoch
         FROM wallet.transfer WHERE key = %(key)s""",
    """SELECT account_id, shard, version, amount, balance_after, effective_at FROM wallet.entry
        WHERE transfer_id = %(id)s ORDER BY account_id""",
    "SELECT account_id, amount, refunded FROM wallet.source WHERE transfer_id = %(id)s ORDER BY position",
    """SELECT account_id, shard, posted, held, version FROM wallet.balance WHERE account_id = ANY (%(accounts)s)
        ORDER BY account_id, shard""",
    "SELECT hour, hour_count, day, day_amount, month, month_amount FROM wallet.usage WHERE customer_id = %(customer)s",
    """SELECT name, subject_id, occurred_at, source, caused_by, depth, trace, payload FROM core.event
        WHERE customer_id = %(customer)s ORDER BY id""",
)
