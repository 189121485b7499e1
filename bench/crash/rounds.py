"""Rounds: one kill each, at a random moment under load; and the count of what was acknowledged, at the end."""

import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from bench.crash.clients import Client
from bench.crash.database import Database, own_database
from bench.crash.people import MONEY
from bench.crash.servers import Servers
from wallet import checks, seals
from wallet.seals import Head

CLIENTS = 8
#: How many answers come between two kills, at the most; and how long they are waited for.
BETWEEN = 200
PATIENCE_SECONDS = 60


@dataclass
class Seen:
    """faults: what was lost, doubled, or does not add up; nothing where all is well"""

    kills: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    repeated: int = 0
    down_seconds: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def play(*, rounds: int, seed: int, tell: Callable[[str], object] = lambda _: None) -> Seen:
    """Kill so many times, and look at what is left.

    seed  the same one kills the same ones after as many answers; what they were at then, nobody can repeat
    """
    chance, seen = random.Random(seed), Seen()
    with own_database() as database:
        servers = Servers(database.url)
        try:
            people = _people(servers)
            servers.start()
            servers.wait_until_ready()
            with _load(people, servers.port, seed) as clients:
                kept = ""
                for number in range(1, rounds + 1):
                    _work(clients, servers, chance.randint(1, BETWEEN))
                    time.sleep(chance.uniform(0, 0.02))  # not waiting for anything: it spreads the kills
                    seen.kills[_kill(chance, servers, database, seen)] += 1
                    if number == (rounds + 1) // 2:
                        kept = servers.run("wallet", "seal").rpartition(" ")[2]
                    if number % 10 == 0:
                        tell(f"round {number}: {sum(len(each.answers) for each in clients)} acknowledged")
            seen.acknowledged = sum(len(each.answers) for each in clients)
            seen.repeated = sum(each.repeated for each in clients)
            seen.faults += [*(fault for each in clients for fault in each.faults), *_books(servers, database.url, kept)]
            seen.faults += _lost_or_doubled(database.url, clients)
        finally:
            servers.close()
    return seen


def _work(clients: Sequence[Client], servers: Servers, answers: int) -> None:
    """Let so many more answers come, or a client end with a fault.

    A server that has ended is started again, as a service manager does: it gives up by itself where the same one of its
    processes dies twice within seconds.
    """
    wanted, until = sum(len(each.answers) for each in clients) + answers, time.monotonic() + PATIENCE_SECONDS
    while sum(len(each.answers) for each in clients) < wanted and not any(each.faults for each in clients):
        if time.monotonic() > until:
            raise RuntimeError(f"no {answers} answers within {PATIENCE_SECONDS} s after a kill")
        servers.start()
        time.sleep(0.005)


def _kill(chance: random.Random, servers: Servers, database: Database, seen: Seen) -> str:
    """Kill somebody, and wait until all is up again; who that was."""
    what = chance.choice(["server", "one process", "database", "database", "both"])
    begun = time.monotonic()
    if what == "one process":
        servers.kill_one(chance)
    if what in ("server", "both"):
        servers.kill()
    if what in ("database", "both"):
        database.kill()
        database.start()
    servers.start()
    servers.wait_until_ready()
    seen.down_seconds.append(time.monotonic() - begun)
    return what


def _people(servers: Servers) -> dict[str, object]:
    """In a process of its own: this one's database, where it has one, is another."""
    made = subprocess.run(
        [sys.executable, "-m", "bench.crash.people", str(CLIENTS)], cwd=Path(__file__).parents[2],
        env=servers.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode:
        raise RuntimeError(f"nobody could be signed up: {made.stderr[-2_000:]}")
    found: dict[str, object] = json.loads(made.stdout.splitlines()[-1])
    return found


@contextmanager
def _load(people: dict[str, object], port: int, seed: int) -> Iterator[list[Client]]:
    """The clients at work; at the end of the block each has its last answer."""
    ended, tokens = threading.Event(), people["tokens"]
    assert isinstance(tokens, dict)
    clients = [
        Client(customer_id, token, str(people["merchant_id"]), port, f"{seed}:{number}", ended)
        for number, (customer_id, token) in enumerate(tokens.items())
    ]
    with ThreadPoolExecutor(len(clients)) as pool:
        running = [pool.submit(client.run) for client in clients]
        try:
            yield clients
        finally:
            ended.set()
    for each in running:
        each.result()


def _books(servers: Servers, url: str, kept: str) -> list[str]:
    """What `flask wallet check` and `flask wallet verify --head` ask, without starting Python anew for each."""
    sealed = servers.run("wallet", "seal")
    with psycopg.connect(url, autocommit=True) as connection:
        found = [checks.first_difference(connection), seals.first_difference(connection, Head.parse(kept))]
    return [fault for fault in found if fault] + ([sealed] if "(status" in sealed else [])


def _lost_or_doubled(url: str, clients: Sequence[Client]) -> list[str]:
    """Each acknowledged deed has its one transfer, there are no others, and the balances are what is left of them."""
    answers = {(deed.customer_id, deed.key): (deed, made) for client in clients for deed, made in client.answers}
    faults = []
    with psycopg.connect(url) as connection:
        rows = connection.execute(_MADE).fetchall()
        found = Counter((customer_id, key) for customer_id, key, *_ in rows)
        faults += [f"key {key} has {count} transfers" for (_, key), count in found.items() if count > 1]
        faults += [
            f"{deed.path} {made} under {deed.key} is lost" for it, (deed, made) in answers.items() if not found[it]
        ]
        for customer_id, key, made, amount in rows:
            if (customer_id, key) not in answers:
                faults.append(f"{made} under {key} was never acknowledged, though everything was answered")
            elif (answers[customer_id, key][1], answers[customer_id, key][0].amount) != (made, amount):
                faults.append(f"{made} of {amount} under {key} is not what was acknowledged")
        balances = connection.execute(_BALANCES).fetchall()
    if len(balances) != len(clients):
        faults.append(f"there are {len(balances)} customers with cash, and {len(clients)} clients")
    spent: Counter[tuple[str, str]] = Counter()
    for deed, _ in answers.values():
        spent[deed.customer_id, deed.path] += deed.amount
    for customer_id, posted, held in balances:
        if (MONEY - posted, held) != (spent[customer_id, "payments"], spent[customer_id, "sendings"]):
            faults.append(
                f"customer {customer_id} has {posted}, {held} held, after {spent[customer_id, 'payments']} paid"
            )
    return faults


# A sending is told by its own id; under the key stands the hold that keeps its money.
_MADE = """
    SELECT substr(t.principal, 10), t.key, coalesce(s.id, t.id)::text, (t.details ->> 'amount_minor')::bigint
      FROM wallet.transfer t LEFT JOIN wallet.sending s ON s.hold_id = t.id
     WHERE t.principal LIKE 'customer:%' AND t.state = 'posted'
"""

_BALANCES = """
    SELECT substr(a.owner, 10), b.posted, b.held
      FROM wallet.account a JOIN wallet.balance b ON b.account_id = a.id
     WHERE a.owner LIKE 'customer:%' AND a.purpose = 'cash'
"""
