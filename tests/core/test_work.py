"""Due work: claimed once, held by a lease, given up by whoever lost it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import MetaData, event, text
from sqlalchemy.orm import DeclarativeBase

from core import db, ids, work
from core.db import Base, connection_of, transaction

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LEASE = timedelta(seconds=30)
LATER = NOW + timedelta(seconds=31)


class OwnBase(DeclarativeBase):
    """Apart from the house's own, whose tables the migrations must match."""

    metadata = MetaData()
    type_annotation_map = Base.type_annotation_map


class Chore(work.Due, OwnBase):
    __tablename__ = "chore_of_this_test"


@pytest.fixture(autouse=True)
def table(database: None) -> Iterator[None]:
    OwnBase.metadata.create_all(db.engine())
    yield
    OwnBase.metadata.drop_all(db.engine())


def add(*, due_at: datetime | None = NOW, state: str = "waiting") -> UUID:
    with transaction() as session:
        chore = Chore(id=ids.new(), state=state, due_at=due_at)
        session.add(chore)
        return chore.id


def claim(*, limit: int = 10, now: datetime = NOW) -> tuple[UUID, list[UUID]]:
    with transaction() as session:
        token, rows = work.claim(
            session, Chore, waiting="waiting", leased="sending", limit=limit, lease=LEASE, now=now
        )  # fmt: skip
        return token, [row.id for row in rows]


def test_only_what_is_due_and_waiting_is_claimed_soonest_first() -> None:
    second, first = add(), add(due_at=NOW - timedelta(hours=1))
    add(due_at=NOW + timedelta(microseconds=1))
    add(due_at=None)
    add(state="sent")

    assert claim()[1] == [first, second]
    assert claim()[1] == []


def test_a_claim_takes_at_most_its_limit() -> None:
    for _ in range(3):
        add()

    assert [len(claim(limit=2)[1]), len(claim(limit=2)[1])] == [2, 1]


def test_rows_in_another_workers_hands_are_passed_over() -> None:
    add(), add()
    with transaction() as session:
        held = work.lock_due(session, Chore, states=["waiting"], limit=1, now=NOW)
        taken = claim()[1]

    assert len(taken) == 1
    assert taken != [held[0].id]


def test_a_lease_is_held_until_its_end() -> None:
    row = add()
    token, _ = claim()

    with transaction() as session:
        assert work.still_holds(session, Chore, row, token, now=NOW + LEASE - timedelta(microseconds=1))
        assert not work.still_holds(session, Chore, row, token, now=NOW + LEASE)
        assert not work.still_holds(session, Chore, row, ids.new(), now=NOW)
        assert not work.still_holds(session, Chore, ids.new(), token, now=NOW)


def test_settling_records_the_end_and_gives_the_lease_up() -> None:
    row = add()
    token, _ = claim()

    with transaction() as session:
        assert work.settle(session, Chore, row, token, state="sent")
    with transaction() as session:
        assert not work.settle(session, Chore, row, token, state="failed")
        chore = session.get_one(Chore, row)
        assert (chore.state, chore.attempts, chore.lease_token, chore.lease_until) == ("sent", 1, None, None)


def test_a_lost_lease_is_found_once_it_ended_and_its_holder_can_settle_no_more() -> None:
    row = add()
    token, _ = claim()
    with transaction() as session:
        assert work.lost_leases(session, Chore, leased="sending", limit=10, now=NOW) == []

    with transaction() as session:
        (lost,) = work.lost_leases(session, Chore, leased="sending", limit=10, now=LATER)
        lost.state, lost.lease_token, lost.lease_until = "waiting", None, None

    with transaction() as session:
        assert not work.settle(session, Chore, row, token, state="sent")
    again, rows = claim(now=LATER)
    assert rows == [row]
    assert again != token
    with transaction() as session:
        assert session.execute(text("SELECT attempts FROM chore_of_this_test")).scalar_one() == 2


@pytest.mark.parametrize("look", ["due", "lost"])
def test_a_plan_that_is_kept_takes_the_index_of_the_few_rows_that_it_is_for(look: str) -> None:
    """A table is planned for while it is small, and may be large before the server looks at it again."""
    with transaction() as session:
        for column, state in (("due_at", "waiting"), ("lease_until", "sending")):
            session.execute(text(f"CREATE INDEX of_{state} ON chore_of_this_test ({column}) WHERE state = '{state}'"))

    with transaction() as session, said_to_the_server() as said:
        if look == "due":
            work.lock_due(session, Chore, states=["waiting"], limit=10, now=NOW)
        else:
            work.lost_leases(session, Chore, leased="sending", limit=10, now=NOW)

    assert ("of_waiting" if look == "due" else "of_sending") in kept_plan(*said)


@contextmanager
def said_to_the_server() -> Iterator[list[Any]]:
    """The next statement, and its parameters by name."""
    said: list[Any] = []

    def note(_: object, __: object, statement: str, parameters: dict[str, Any], *___: object) -> None:
        said.extend((statement, parameters))

    event.listen(db.engine(), "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(db.engine(), "before_cursor_execute", note)


def kept_plan(statement: str, parameters: dict[str, Any]) -> str:
    """How PostgreSQL would do it whatever the parameters are."""
    numbered = statement % {name: f"${number}" for number, name in enumerate(parameters, 1)}
    given = ", ".join(str(each) if isinstance(each, int) else f"'{each}'" for each in parameters.values())
    with transaction() as session:
        connection = connection_of(session)
        connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        connection.execute("SET LOCAL enable_seqscan = off")
        connection.execute(f"PREPARE asked AS {numbered}")
        plan = connection.execute(f"EXPLAIN EXECUTE asked ({given})").fetchall()
        connection.execute("DEALLOCATE asked")
    return "\n".join(row[0] for row in plan)
