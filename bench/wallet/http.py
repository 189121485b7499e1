"""Payments over HTTP with everything on, through the real server, the load on the same cores."""

import itertools
import json
import random
import subprocess
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from auth import tokens
from bench.figures import Figure
from bench.turns import SECONDS, Done, in_turns
from bench.wallet import bare
from bench.wallet.people import AMOUNT, CURRENCY, People
from bench.wallet.server import Server, serving
from core import clock
from core.settings import Settings
from core.web.principals import Principal

#: Run as a file of its own: as a module it would load the whole house first.
_LOAD = Path(__file__).with_name("load.py")
CONNECTIONS = 32
LIMIT_MIB = 200
_keys = itertools.count(step=10**9)
_HELLO = "GET /healthz HTTP/1.1\r\nHost: bench\r\nX-Bench: "

#: Requests as [before, after] its key.
Requests = list[tuple[str, str]]


def rows(url: str, everyone: People) -> list[Figure]:
    """Payments beside pgbench, the frame alone beside payments, and how large a server process grew."""
    tokens.load_key(Settings())
    payments = payments_of(everyone)
    with serving(url) as server:
        # Each customer's first payment with this token: every signature is verified. From then on a process knows it.
        cold = load(server, payments, expected="201", count=len(payments))
        load(server, _looks(payments), expected="200", count=len(payments))
        seen = in_turns(
            url,
            {
                "bare": partial(bare.single, url, clients=8),
                "http": partial(load, server, payments, expected="201"),
                "hello": partial(load, server, [(_HELLO, "\r\n\r\n")], expected="200"),
            },
        )
        peak = server.peak_mib()
    paid, hello, least = seen["http"], seen["hello"], seen["bare"]
    first = {"payments_per_second": cold.count / cold.seconds, **cold.more}
    first = {name: round(value, 1) for name, value in first.items()}
    beside = "pgbench, one statement a transfer"
    return [
        Figure(
            "wallet.http", paid.rate, "1/s", beside, least.rate,
            {"ours": paid.more, "theirs": least.more, "first_payment_of_each_token": first},
        ),
        Figure("wallet.http_hello", hello.rate, "1/s", "wallet.http, same server", paid.rate, {"ours": hello.more}),
        Figure("wallet.server_mib", peak, "MiB", "the most that a server process may take", LIMIT_MIB),
    ]  # fmt: skip


def payments_of(everyone: People) -> Requests:
    """One for each customer, with their own token, at one of the merchants."""
    now = clock.now()
    found = []
    for customer_id in everyone.customers:
        principal = Principal(kind="customer", id=customer_id)
        token = tokens.mint(principal, audience=tokens.APP, client_id="bench", now=now, ttl=timedelta(hours=2))
        merchant_id = random.choice(everyone.merchants)
        money = {"amount_minor": AMOUNT, "currency": CURRENCY}
        body = json.dumps({"merchant_id": str(merchant_id), "amount": money, "reference": "Till 4, coffee"})
        before = (
            "POST /app/v1/payments HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
            f"Accept: application/json\r\nAuthorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n"
            "Idempotency-Key: "
        )
        found.append((before, f"\r\n\r\n{body}"))
    return found


def _looks(payments: Requests) -> Requests:
    """The same customers look into their wallets, as an app does when it opens."""
    found = []
    for before, _ in payments:
        authorization = next(line for line in before.split("\r\n") if line.startswith("Authorization"))
        found.append((f"GET /app/v1/wallet HTTP/1.1\r\nHost: bench\r\n{authorization}\r\nX-Bench: ", "\r\n\r\n"))
    return found


def load(server: Server, requests: Requests, *, expected: str, count: int = 0) -> Done:
    """Requests in random order for a while, or `count` of them in their own.

    raises  SystemExit when one in a hundred or more is answered by anything else than `expected`
    """
    job = {
        "port": server.port, "connections": CONNECTIONS, "seconds": SECONDS, "count": count, "expected": expected,
        "key_from": next(_keys), "requests": requests,
    }  # fmt: skip
    before = server.cpu_seconds()
    told = subprocess.run(
        [sys.executable, str(_LOAD)],
        input=json.dumps(job), stdout=subprocess.PIPE, text=True, check=True,
    ).stdout  # fmt: skip
    answer: dict[str, Any] = json.loads(told)
    others = sum(answer["others"].values())
    if others * 100 >= answer["count"]:
        raise SystemExit(f"bench: {answer['count']} answers were {expected}, others {answer['others']}")
    more = {
        "server_us": (server.cpu_seconds() - before) / answer["count"] * 1e6,
        "client_us": answer["cpu_seconds"] / answer["count"] * 1e6,
        "p50_ms": answer["p50_ms"],
        "p99_ms": answer["p99_ms"],
        "other_answers": others,
    }
    return Done(answer["count"], answer["seconds"], more)
