"""The engine against a naive interpreter, under a simulated clock, with connections killed at any statement.

For each enrolment, step and visit one effect; every enrolment ends; no time-out fires before what preceded it was read.
"""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, select

from core.db import connection_of, engine, transaction
from core.delivery.models import Message
from core.errors import Busy, DatabaseUnavailable
from core.events import readers
from engage.walks.models import Enrolment, StepRun
from rewards.models import VoucherRow
from tests.engage.conftest import READERS, Scene
from tests.engage.walks.interpreter import ENTRY, EXIT, REDEEMED, WANTED, Customer, Happened, graph
from wallet import checks

CUSTOMERS = 3

#: Customers of other examples have other numbers.
_phones = itertools.count(0, 10)


@contextmanager
def killed_at(statement: int) -> Iterator[None]:
    """The database connection that runs the statement-th statement from here on dies with it."""
    run = psycopg.Cursor.execute
    left = [statement]

    def execute(cursor: Any, *args: Any, **options: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            _kill(cursor.connection.info.backend_pid)
        return run(cursor, *args, **options)

    psycopg.Cursor.execute = execute  # type: ignore[method-assign]
    try:
        yield
    finally:
        psycopg.Cursor.execute = run  # type: ignore[method-assign]


def _kill(backend: int) -> None:
    url = engine().url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])


class Journeys(RuleBasedStateMachine):
    """Events, time, workers and their deaths in any order."""

    @initialize()
    def begin(self) -> None:
        self.scene = Scene(_phones=next(_phones))
        self.ids = self.scene.customers(CUSTOMERS)
        self.campaign_id = self.scene.gift_card(budget_minor=1_000_000)
        self.journey_id = self.scene.publish(graph(self.campaign_id))
        self.models = [Customer() for _ in self.ids]

    @rule(
        who=st.integers(0, CUSTOMERS - 1),
        kind=st.sampled_from([ENTRY, ENTRY, WANTED, WANTED, EXIT, REDEEMED]),
        late=st.sampled_from([0, 0, 0, 30, 3 * 3600, 30 * 3600]),
    )
    def happen(self, who: int, kind: int, late: int) -> None:
        # Nothing is told as older than the journey: it would let nobody in, which the interpreter does not know.
        at = max(self.scene.now - timedelta(seconds=late), Scene().now)
        if kind != REDEEMED:
            self.scene.happen(self.scene.order(self.ids[who], total_minor=kind, occurred_at=at))
        elif (voucher_id := self._voucher(who)) is not None:
            self.scene.happen(self.scene.redemption(self.ids[who], voucher_id, at=at))
        else:
            return
        self.models[who].log.append(Happened(kind, at))

    @rule(seconds=st.sampled_from([1, 20, 3600, 3601, 6 * 3600, 86_400, 86_401, 2 * 86_400]))
    def pass_time(self, seconds: int) -> None:
        self.scene.move(seconds=seconds)

    @rule(death=st.none() | st.integers(1, 60))
    def read(self, death: int | None) -> None:
        self._run(self.scene.read, death)
        for model in self.models:
            model.read(self.scene.now)

    @rule(death=st.none() | st.integers(1, 40))
    def work(self, death: int | None) -> None:
        self._run(self.scene.work, death)
        for model in self.models:
            model.work(self.scene.now)

    def _run(self, worker: Callable[[], None], death: int | None) -> None:
        """One worker, or one that dies and the next one after it."""
        if death is not None:
            with killed_at(death), suppress(DatabaseUnavailable, Busy):
                worker()
        worker()

    def _voucher(self, who: int) -> UUID | None:
        """That of the walk under way: another one's redemption is nothing to it."""
        query = select(Enrolment.voucher_id).where(
            Enrolment.customer_id == self.ids[who], Enrolment.journey_id == self.journey_id, Enrolment.state != "ended"
        )
        with transaction() as session:
            return session.scalar(query)

    @invariant()
    def is_as_interpreted(self) -> None:
        if not hasattr(self, "models"):
            return
        with transaction() as session:
            for customer_id, model in zip(self.ids, self.models, strict=True):
                query = select(Enrolment).where(Enrolment.customer_id == customer_id).order_by(Enrolment.id)
                walks = session.scalars(query).all()
                told = [self._told(session, walk) for walk in walks]
                assert told == [
                    (
                        [tuple(run) for run in walk.runs],
                        walk.timeout if not walk.end else None,
                        walk.end,
                        walk.converted,
                    )
                    for walk in model.walks
                ]
                given, sent = _effects(session, customer_id)
                runs = [outcome for walk in model.walks for _, outcome in walk.runs]
                assert (given, sent) == (runs.count("issued"), runs.count("sent"))

    def _told(self, session: Any, walk: Enrolment) -> Any:
        query = select(StepRun.step, StepRun.outcome).where(StepRun.enrolment_id == walk.id).order_by(StepRun.visit)
        runs = [(step, outcome) for step, outcome in session.execute(query)]
        return runs, walk.timeout_at, walk.end_reason, walk.converted_at

    def teardown(self) -> None:
        """However it stands, every walk ends once the time has passed and everything was read."""
        if not hasattr(self, "models"):
            return
        for _ in range(8):
            self.scene.move(days=3)
            self.read(None)
            self.work(None)
            self.is_as_interpreted()
        with transaction() as session:
            states = session.scalars(select(Enrolment.state).where(Enrolment.customer_id.in_(self.ids)))
            assert set(states) <= {"ended"}
            assert checks.first_difference(connection_of(session)) is None
        self.scene.set_status(self.journey_id, "ended")


def _effects(session: Any, customer_id: UUID) -> tuple[int, int]:
    """How many vouchers and messages a customer really got."""
    counts = [
        session.scalar(select(func.count()).select_from(table).where(table.customer_id == customer_id))
        for table in (VoucherRow, Message)
    ]
    return counts[0], counts[1]


@pytest.mark.usefixtures("database")
def test_the_engine_does_what_its_rules_say_whatever_dies() -> None:
    readers.register(READERS)
    few = settings(
        max_examples=12, stateful_step_count=25, deadline=None, database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )  # fmt: skip

    run_state_machine_as_test(Journeys, settings=few)
