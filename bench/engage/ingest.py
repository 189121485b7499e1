"""The ingest door: batches of 100 calls through the real server, beside a bare INSERT of the same rows.

Both are durable before they count: the door answers 200 after its commit, the bare INSERT is a transaction a batch.
"""

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from bench.database import fresh
from bench.figures import Figure
from bench.turns import Done, connected, in_turns, settle, together
from bench.wallet.http import load
from bench.wallet.server import Server, serving
from core import ids, pseudonyms
from core.db import Connection
from core.settings import Settings

BATCH, BODIES, PEOPLE, CLIENTS = 100, 40, 5_000, 8
PLAIN = f"INSERT of {BATCH} of the same rows a statement into a plain table"
LOG = f"INSERT of {BATCH} of the same rows a statement into the log itself, with its indexes and slots"


def measure() -> list[Figure]:
    """Events a second, of visitors who are not known yet, which is what most of such a door's events are."""
    with fresh() as settings:
        return _rows(settings.database_url)


def _rows(url: str) -> list[Figure]:
    with connected(url) as connection:
        connection.execute(_PLAIN)
    with serving(url) as server:
        settle(url)
        seen = in_turns(
            url,
            {
                "door": partial(_posted, server),
                "plain": lambda: together(url, _bare("bench.plain"), threads=CLIENTS),
                "log": lambda: together(url, _bare("core.event"), threads=CLIENTS),
            },
            warm_ups=1,
        )
        peak = server.peak_mib()
    door, plain, log = seen["door"], seen["plain"], seen["log"]
    more = {"ours": {**door.more, "peak_mib": peak}, "theirs": log.more}
    return [
        Figure("engage.ingest", door.rate, "events/s", LOG, log.rate, more),
        Figure("engage.ingest_plain", door.rate, "events/s", PLAIN, plain.rate, {"theirs": plain.more}),
    ]


def _posted(server: Server) -> Done:
    """Batches for one turn, each call with a messageId of its own, which lie as far apart as clients' random ones."""
    done = load(server, _requests(), expected="200")
    more = {name: value / BATCH if name.endswith("_us") else value for name, value in done.more.items()}
    return Done(done.count * BATCH, done.seconds, more)


def _requests() -> list[tuple[str, str]]:
    key = Settings().ingest_write_keys
    found = []
    for _ in range(BODIES):
        calls = [{**call(random.randrange(PEOPLE)), "messageId": f"{place}-{{key}}"} for place in range(BATCH)]
        body = json.dumps({"batch": calls, "sentAt": datetime.now(UTC).isoformat(), "writeKey": key})
        length = len(body) + BATCH * (len(f"{0:032}") - len("{key}"))
        before = (
            "POST /v1/batch HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
            f"Content-Length: {length}\r\nX-Bench: "
        )
        found.append((before, f"\r\n\r\n{body}"))
    return found


def call(number: int) -> dict[str, Any]:
    """A product looked at, as Segment's clients report it."""
    return {
        "type": "track",
        "event": "Product Viewed",
        "userId": None,
        "anonymousId": f"visitor-{number}",
        "timestamp": datetime.now(UTC).isoformat(),
        "properties": {
            "product_id": f"sku-{number}", "name": "Espresso beans 1 kg", "category": "COFFEE",
            "price": 12.5, "currency": "USD", "quantity": 1,
        },
        "context": {
            "library": {"name": "analytics-python", "version": "2.4.0"},
            "app": {"name": "Shop", "version": "2.0.1"},
            "locale": "en-US",
            "page": {"path": f"/p/{number}", "url": f"https://shop.example/p/{number}"},
        },
        "integrations": {},
    }  # fmt: skip


def _bare(table: str) -> Callable[[Connection], int]:
    """Rows that are ready, but for their ids; the payloads travel in binary, as ours do."""
    insert = _INSERT % (table, _COLUMNS)
    ready = [_columns() for _ in range(BODIES)]

    def one_batch(connection: Connection) -> int:
        connection.execute(insert, [ids.block(BATCH), *random.choice(ready)])
        return BATCH

    return one_batch


def _columns() -> list[list[object]]:
    """What the door logs of a batch."""
    people = [random.randrange(PEOPLE) for _ in range(BATCH)]
    return [
        ["product.viewed"] * BATCH,
        [None] * BATCH,
        [pseudonyms.of_anonymous(f"visitor-{number}") for number in people],
        [datetime.now(UTC)] * BATCH,
        ["outside"] * BATCH,
        [0] * BATCH,
        [json.dumps({"type": "track", "message_id": ids.new().hex, **_told(number)}) for number in people],
    ]


def _told(number: int) -> dict[str, Any]:
    return {name: value for name, value in call(number).items() if name in ("event", "properties", "context")}


_COLUMNS = "id, name, customer_id, subject_id, occurred_at, source, depth, payload"

# The log's own columns without its partitions, indexes, slots and positions.
_PLAIN = """
    CREATE SCHEMA bench;
    CREATE TABLE bench.plain (id uuid, name text, customer_id uuid, subject_id text, occurred_at timestamptz,
                              source text, depth smallint, payload jsonb)
"""

_INSERT = f"""
    INSERT INTO %s ({_COLUMNS})
    SELECT id, name, customer_id, subject_id, occurred_at, source, depth, payload::jsonb
      FROM unnest(%%s::uuid[], %%s::text[], %%s::uuid[], %%s::text[], %%s::timestamptz[], %%s::text[],
                  %%s::smallint[], %%b::text[]) AS r (%s)
"""
