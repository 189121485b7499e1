"""From an ingested event to the push that answers it: the real server, two real workers, a stand-in for FCM, 200 events
a second in batches of Segment's kind, while a million codes are being made."""

import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import psycopg

from app import start
from bench import processes
from bench.database import fresh
from bench.engage import fcm, world
from bench.figures import Figure
from bench.rewards import codes
from bench.wallet.server import serving
from core import clock, ids
from core.db import connection_of, transaction
from core.events import readers
from core.settings import Settings
from engage import journeys

RATE = 200
EVENTS = int(os.environ.get("BENCH_EVENTS") or 4_000)
WORKERS, CONNECTIONS = 2, 8
#: What the issue asks for.
P50_MS, P99_MS = 150, 1_000
_ROOT = Path(__file__).parents[2]


def measure() -> list[Figure]:
    """Each event is another customer's, so that the token tells whose push it was."""
    with fresh() as settings, fcm.playing() as provider:
        start.open_house(settings)
        customer_ids = world.people(EVENTS)
        _publish()
        with serving(settings.database_url) as server, _working(settings, provider) as workers:
            _caught_up()
            _make_codes()
            postmaster = processes.postmaster_of(settings.database_url)
            of = {"server": server.pid, **{f"worker_{place}": one.pid for place, one in enumerate(workers)}}
            of |= {"postgres": postmaster} if postmaster else {}
            before = {name: processes.cpu_seconds(pid) for name, pid in of.items()}
            begun = time.monotonic()
            with _longest_transaction(settings.database_url) as longest:
                ingested = _report(server.port, customer_ids)
                arrived = _arrivals(provider)
            seconds = time.monotonic() - begun
            cpu = {f"{name}_cpu": (processes.cpu_seconds(pid) - before[name]) / seconds for name, pid in of.items()}
            peak = processes.peak_mib([worker.pid for worker in workers])
    more = {"peak_mib": peak, "longest_transaction_ms": longest[0]}
    return _figures(ingested, arrived, more | {name: round(share, 2) for name, share in cpu.items()})


def _figures(
    ingested: Mapping[UUID, tuple[float, float]], arrived: Mapping[str, float], more: Mapping[str, object]
) -> list[Figure]:
    from_answer, from_post = [], []
    for customer_id, (posted, answered) in ingested.items():
        at = arrived.get(f"token-{customer_id}")
        if at is not None:
            from_answer.append((at - answered) * 1_000)
            from_post.append((at - posted) * 1_000)
    told = {**more, "events": len(ingested), "lost": len(ingested) - len(from_answer), "rate_per_s": RATE}
    told |= {"from_post_p50_ms": _share(from_post, 0.5), "from_post_p99_ms": _share(from_post, 0.99)}
    return [
        Figure("engage.push_p50_ms", _share(from_answer, 0.5), "ms", "the most that it may be", P50_MS, told),
        Figure("engage.push_p99_ms", _share(from_answer, 0.99), "ms", "the most that it may be", P99_MS),
    ]


def _share(seen: Sequence[float], share: float) -> float:
    """The value below which this share lies; what came before its own answer was read counts as at once."""
    ordered = sorted(max(value, 0.0) for value in seen)
    return round(ordered[min(int(len(ordered) * share), len(ordered) - 1)], 1) if ordered else float("nan")


def _publish() -> None:
    graph = {
        "entry": {"event": "product.viewed"},
        "re_entry": "never",
        "first": "tell",
        "steps": {
            "tell": {
                "kind": "message",
                "channel": ["push"],
                "purpose": "marketing",
                "template": {"title": "Still thinking?", "body": "It is yours for five off"},
            }
        },
    }
    now = clock.now()
    with transaction() as session:
        journey = journeys.create(session, name="Looked at", holdout_bps=0, actor="staff:bench", now=now)
        journeys.publish(session, journey_id=journey.id, raw_graph=graph, actor="staff:bench", now=now)


def _make_codes() -> None:
    """The workers find it by themselves, and are at it to the end."""
    codes._ask()


@contextmanager
def _working(settings: Settings, provider: str) -> Iterator[list[subprocess.Popen[bytes]]]:
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "FCM_PROJECT_ID": "brand",
        "FCM_API_URL": provider,
    }
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]
    with tempfile.TemporaryFile() as log:
        running = [
            subprocess.Popen(command, env=environment, cwd=_ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            for _ in range(WORKERS)
        ]
        try:
            yield running
        finally:
            for worker in running:
                worker.terminate()
            for worker in running:
                worker.wait(60)


def _caught_up() -> None:
    """Until the workers have read what making the world left in the log."""
    while True:
        with transaction() as session:
            if not any(behind for _, behind in readers.lag(connection_of(session))):
                return
        time.sleep(0.2)


def _report(port: int, customer_ids: Sequence[UUID]) -> dict[UUID, tuple[float, float]]:
    """(when its batch was posted, when the door had answered) of each event."""
    batches, rest = [], list(customer_ids)
    while rest:
        size = random.randint(1, 5)
        batches.append(rest[:size])
        rest = rest[size:]
    begun, due, done = time.time() + 0.5, 0.0, {}
    local = threading.local()

    def post(batch: Sequence[UUID], at: float) -> None:
        time.sleep(max(0.0, at - time.time()))
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        posted = time.time()
        local.connection.request("POST", "/v1/batch", _body(batch), {"Content-Type": "application/json"})
        answer = local.connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
        answered = time.time()
        done.update(dict.fromkeys(batch, (posted, answered)))

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        posts = []
        for batch in batches:
            posts.append(threads.submit(post, batch, begun + due))
            due += len(batch) / RATE
        for one in posts:
            one.result()
    return done


def _body(batch: Sequence[UUID]) -> bytes:
    at = datetime.now(UTC).isoformat()
    calls = [
        {
            "type": "track",
            "event": "Product Viewed",
            "userId": str(customer_id),
            "messageId": str(ids.new()),
            "timestamp": at,
            "properties": {"product_id": "mug", "price": 12.5},
        }
        for customer_id in batch
    ]
    return json.dumps({"batch": calls, "sentAt": at, "writeKey": Settings().ingest_write_keys}).encode()


def _arrivals(provider: str) -> dict[str, float]:
    """By token, when its push came; waits until none has come for a while."""
    seen: list[tuple[str, float]] = []
    until = time.monotonic() + 60
    while len(seen) < EVENTS and time.monotonic() < until:
        time.sleep(0.5)
        seen = fcm.arrivals(provider)
    return dict(reversed(seen))


@contextmanager
def _longest_transaction(url: str) -> Iterator[list[float]]:
    """The longest that any writing transaction was seen to live, in milliseconds."""
    longest, ending = [0.0], threading.Event()

    def watch() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not ending.wait(0.02):
                row = connection.execute(_OLDEST).fetchone()
                longest[0] = max(longest[0], round(float(row[0]), 1) if row else 0.0)

    watching = threading.Thread(target=watch)
    watching.start()
    yield longest
    ending.set()
    watching.join()


_OLDEST = """
    SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0) * 1000 FROM pg_stat_activity
     WHERE datname = current_database() AND backend_xid IS NOT NULL
"""
