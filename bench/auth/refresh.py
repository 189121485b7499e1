"""Refreshing beside the least that it could be, one guarded UPDATE and INSERT: through the same server, and by the same
statements without one.

Each turn sends one generation of all families, so that no two requests of one family are ever under way at once.
"""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from urllib.parse import urlencode

import psycopg

from auth.oauth import clients, rotating
from bench.auth import families, guarded
from bench.auth.families import CLIENT, Chain
from bench.figures import Figure
from bench.turns import SECONDS, Done, in_turns, settle, together
from bench.wallet.http import Requests, load
from bench.wallet.server import Server, serving
from core import clock
from core.db import Connection

#: One generation of them is one turn.
FAMILIES = round(SECONDS * 1_500)
_THREADS = 8
_BESIDE = "one guarded UPDATE and INSERT, same server"

#: The whole load comes from one address.
NO_LIMITS = {"RATE_LIMITS": "address=9999999"}


def rows(url: str) -> list[Figure]:
    chains = families.made(FAMILIES, now=clock.now())
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(guarded.TABLES)
        ids = [str(chain.family_id) for chain in chains]
        connection.execute("INSERT INTO bench.chain SELECT unnest(%s::uuid[]), 0, now()", [ids])
    settle(url)
    with serving(url, target="bench.auth.guarded_app:app", environment=NO_LIMITS) as server:
        ours, theirs = Turns(server, chains, refreshing), Turns(server, chains, _stepping)
        seen = in_turns(url, {"refresh": ours.take, "guarded": theirs.take}, warm_ups=1)
    http = Figure(
        "auth.refresh", seen["refresh"].rate, "1/s", _BESIDE, seen["guarded"].rate,
        {"ours": seen["refresh"].more, "theirs": seen["guarded"].more},
    )  # fmt: skip
    return [http, _in_process(url, ours.chains, theirs.chains)]


class Turns:
    """Each turn is the next generation of all chains; its requests are made before it begins."""

    def __init__(self, server: Server, chains: Sequence[Chain], make: Callable[[Chain], tuple[str, str]]) -> None:
        self._server, self._make, self.chains = server, make, chains
        self._ready = self._requests()

    def take(self) -> Done:
        done = load(self._server, self._ready, expected="200", count=len(self._ready))
        self.chains = [chain.next() for chain in self.chains]
        self._ready = self._requests()
        return done

    def _requests(self) -> Requests:
        return [self._make(chain) for chain in self.chains]


def request(path: str, form: str) -> tuple[str, str]:
    """What is sent of a form, before and after what tells it from others."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(form)}\r\nX-Bench: "
    )
    return head, f"\r\n\r\n{form}"


def refreshing(chain: Chain) -> tuple[str, str]:
    return request("/oauth/token", chain.form())


def _stepping(chain: Chain) -> tuple[str, str]:
    form = {"chain": str(chain.family_id), "generation": chain.generation, "token": chain.secret.hex()}
    return request("/bench/guarded", urlencode(form))


def _in_process(url: str, rotated: Sequence[Chain], stepped: Sequence[Chain]) -> Figure:
    """Threads that have a connection each and no HTTP. A chain that is under way is in nobody else's hands."""
    client = clients.find(CLIENT)
    assert client is not None
    waiting, beside = deque(rotated), deque(stepped)

    def rotate(connection: Connection) -> int:
        chain = waiting.popleft()
        assert rotating.at_once(connection, client, chain.presented(), None, now=clock.now())
        waiting.append(chain.next())
        return 1

    def step(connection: Connection) -> int:
        chain = beside.popleft()
        assert guarded.step(connection, str(chain.family_id), chain.generation, chain.secret.hex())
        beside.append(chain.next())
        return 1

    works = {
        name: partial(together, url, work, threads=_THREADS) for name, work in (("ours", rotate), ("theirs", step))
    }
    seen = in_turns(url, works)
    return Figure(
        "auth.refresh_in_process", seen["ours"].rate, "1/s", "the same statement, no server", seen["theirs"].rate,
        {"ours": seen["ours"].more, "theirs": seen["theirs"].more},
    )  # fmt: skip
