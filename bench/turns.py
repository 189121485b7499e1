"""Measuring in turns: ours, theirs, ours, theirs ..., so that a machine whose speed drifts slows both alike."""

import os
import resource
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter

import psycopg

from bench import processes
from core.db import CONNECTION_OPTIONS, Connection

#: How long each turn lasts and how many there are; the medians of five turns of ten seconds are calmer than these.
SECONDS = float(os.environ.get("BENCH_SECONDS") or 2)
ROUNDS = int(os.environ.get("BENCH_ROUNDS") or 3)


@dataclass(frozen=True)
class Done:
    """How much one turn did in how long, with what else it saw."""

    count: int
    seconds: float
    more: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Pace:
    """The medians of all turns: things a second, and what else was seen of them.

    units    more: `client_us` and `postgres_us`, CPU for each thing done, of our processes and of the server's
    """

    rate: float
    more: Mapping[str, float]


def in_turns(
    url: str, works: Mapping[str, Callable[[], Done]], *, rounds: int = ROUNDS, warm_ups: int = 0
) -> dict[str, Pace]:
    """Let each of the works have a turn, then each again; the turns to warm up are not counted."""
    postmaster = processes.postmaster_of(url)
    turns: dict[str, list[Done]] = {name: [] for name in works}
    for number in range(-warm_ups, rounds):
        for name, work in works.items():
            done = _metered(work, postmaster)
            if number >= 0:
                turns[name].append(done)
    return {name: _pace(seen) for name, seen in turns.items()}


def together(url: str, work: Callable[[Connection], int], *, threads: int, seconds: float = SECONDS) -> Done:
    """Threads with a connection each repeat `work`, which returns how many things it did."""
    counts, failed = [0] * threads, []
    ready = threading.Barrier(threads + 1)

    def follow(number: int) -> None:
        try:
            with connected(url) as connection:
                ready.wait()
                until = perf_counter() + seconds
                while perf_counter() < until:
                    counts[number] += work(connection)
        except BaseException as error:
            failed.append(error)
            ready.abort()
            raise

    running = [threading.Thread(target=follow, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    with suppress(threading.BrokenBarrierError):
        ready.wait()
    begun = perf_counter()
    for thread in running:
        thread.join()
    if failed:
        raise failed[0]
    return Done(sum(counts), perf_counter() - begun)


def settle(url: str) -> None:
    """Bring a database to rest after it was filled: statistics, no dead rows, nothing left to write out."""
    with connected(url) as connection:
        connection.execute("VACUUM (ANALYZE)")
        # Only a superuser may; elsewhere the server writes when it will.
        with suppress(psycopg.errors.InsufficientPrivilege):
            connection.execute("CHECKPOINT")


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """A connection as `core.db.statement` lends one."""
    with psycopg.connect(url, autocommit=True, options=CONNECTION_OPTIONS) as connection:
        yield connection


def _metered(work: Callable[[], Done], postmaster: int | None) -> Done:
    client, server = _client_seconds(), processes.cpu_seconds(postmaster) if postmaster else 0.0
    done = work()
    more = {"client_us": (_client_seconds() - client) / done.count * 1e6}
    if postmaster:
        more["postgres_us"] = (processes.cpu_seconds(postmaster) - server) / done.count * 1e6
    return Done(done.count, done.seconds, more | dict(done.more))


def _client_seconds() -> float:
    """CPU of this process and of the children that it has waited for."""
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _pace(seen: list[Done]) -> Pace:
    names = seen[0].more
    return Pace(
        round(median(done.count / done.seconds for done in seen), 1),
        {name: round(median(done.more[name] for done in seen), 1) for name in names},
    )
