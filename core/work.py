"""Work that is due: rows of their own domain that wait for a worker, claimed in batches with SKIP LOCKED.

Two shapes. Work that stays in the database locks its due rows and acts in the same transaction: `lock_due`. Work that
calls the outside world claims rows under a lease, commits, calls, and records: `claim`, `still_holds`, `settle`.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal
from uuid import UUID, uuid4

from sqlalchemy import BindParameter, ColumnElement, Integer, Select, bindparam, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import after_commit


class Due:
    """The columns that make a row work. A row is due when its state is a waiting one and `due_at` has passed."""

    id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[str]
    due_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    lease_until: Mapped[datetime | None]
    lease_token: Mapped[UUID | None]
    last_error: Mapped[str | None]


@dataclass(frozen=True)
class Work:
    """One line of `WORK` in the wiring.

    run               handles one batch that is due at `now` and says how many rows it handled (0: nothing is due)
    after_lost_lease  "again" when doing it twice is harmless, else "in doubt": it is listed and never blindly repeated
    full              a batch of so many is followed by another at once
    yields            True where nobody waits for it, so that it makes way while a worker has something that is urgent
    """

    name: str
    run: Callable[[datetime], int]
    after_lost_lease: Literal["again", "in doubt"] = "again"
    full: int = 1
    yields: bool = False


@dataclass(frozen=True)
class Schedule:
    """One line of `SCHEDULE`: `run(now)` fires by cron expression (UTC), once over all workers."""

    name: str
    cron: str
    run: Callable[[datetime], None]


#: By the name of a line that this process works: what its thread waits on between two looks.
_bells: dict[str, threading.Event] = {}


def bell(name: str) -> threading.Event:
    """What the worker's thread for this line waits on."""
    return _bells.setdefault(name, threading.Event())


def nudge(name: str) -> None:
    """Let this process look at once for what is due on a line, if it works that line; others find it by their polls.

    It saves a wait and nothing hangs on it. Called after a commit: see `nudge_after`
    """
    known = _bells.get(name)
    if known is not None:
        known.set()


def nudge_after(session: Session, name: str) -> None:
    """`nudge`, once what this session wrote is committed."""
    if name in _bells:
        after_commit(session, name, partial(nudge, name))


def lock_due(
    session: Session,
    model: type[Due],
    *,
    states: Sequence[str],
    limit: int,
    now: datetime,
    only: Sequence[ColumnElement[bool]] = (),
) -> list[Any]:
    """The next due rows, locked for this transaction, soonest first; rows that another worker holds are passed over."""
    query = _due(model, tuple(states))
    return list(session.execute(query.where(*only) if only else query, {"now": now, "limit": limit}).scalars())


#: Statements are built once: it takes longer than all the rest of a look that finds nothing, as most looks do.
_built: dict[tuple[Any, ...], Select[Any]] = {}


def _due(model: type[Due], states: tuple[str, ...]) -> Select[Any]:
    if (model, states) not in _built:
        _built[model, states] = (
            select(model)
            .where(model.state.in_(_written("states", states)), model.due_at <= bindparam("now"))
            .order_by(model.due_at)
            .limit(bindparam("limit", type_=Integer))
            .with_for_update(skip_locked=True)
        )
    return _built[model, states]


def _written(name: str, states: Sequence[str]) -> BindParameter[Any]:
    """States as words of the statement: a plan that is kept for any state cannot take the index of the rows that wait,
    and is kept while a table is small enough to be read whole.
    """
    return bindparam(name, list(states), expanding=True, literal_execute=True)


def claim(
    session: Session,
    model: type[Due],
    *,
    waiting: str,
    leased: str,
    limit: int,
    lease: timedelta,
    now: datetime,
    only: Sequence[ColumnElement[bool]] = (),
) -> tuple[UUID, list[Any]]:
    """Take due rows under one lease: they move to `leased` with a token that must still be there before each call.

    lease   at least three time-outs of the call that follows
    only    further conditions, for work whose rows are not all alike
    effects counts an attempt for each row
    """
    rows = lock_due(session, model, states=[waiting], limit=limit, now=now, only=only)
    token = uuid4()
    for row in rows:
        row.state, row.lease_token, row.lease_until, row.attempts = leased, token, now + lease, row.attempts + 1
    session.flush()
    return token, rows


def still_holds(session: Session, model: type[Due], row_id: UUID, token: UUID, *, now: datetime) -> bool:
    """Whether the lease is still ours; asked right before an outside call."""
    query = select(model.id).where(model.id == row_id, model.lease_token == token, model.lease_until > now)
    return session.execute(query).first() is not None


def settle(session: Session, model: type[Due], row_id: UUID, token: UUID, **columns: Any) -> bool:
    """Record how a leased row ended and give its lease up; False when the lease was lost meanwhile."""
    statement = (
        update(model)
        .where(model.id == row_id, model.lease_token == token)
        .values(lease_token=None, lease_until=None, **columns)
        .returning(model.id)
    )
    return session.execute(statement).first() is not None


def lost_leases(session: Session, model: type[Due], *, leased: str, limit: int, now: datetime) -> list[Any]:
    """Rows whose worker died with them, locked for this transaction, for the owner to requeue or put in doubt."""
    return list(session.execute(_lost(model, leased), {"now": now, "limit": limit}).scalars())


def _lost(model: type[Due], leased: str) -> Select[Any]:
    if (model, leased) not in _built:
        _built[model, leased] = (
            select(model)
            # That a token is there follows from the state, and lets the planner take the index of the few leased rows.
            .where(model.state.in_(_written("leased", [leased])), model.lease_token.is_not(None))
            .where(model.lease_until <= bindparam("now"))
            .order_by(model.lease_until)
            .limit(bindparam("limit", type_=Integer))
            .with_for_update(skip_locked=True)
        )
    return _built[model, leased]
