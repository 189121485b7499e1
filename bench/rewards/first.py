"""A process that has just started: how long its first basket waits for offers, when the shelf was warmed and when not.

Run by `measure_in` as `python -m bench.rewards.first URL cold|warm`, so that each begins with nothing in memory.
"""

import gc
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from bench.rewards import qualify
from core import clock, crypto, db
from core.db import connection_of, transaction
from core.settings import Settings
from rewards.offers import qualifying, shelf
from rewards.offers.qualifying import Asked

_ROOT = Path(__file__).resolve().parents[2]


def measure_in(url: str) -> dict[str, dict[str, float]]:
    """Over the campaigns of that database: warm_ms before any request, first_ms of the first one, and memory."""
    return {way: _started(url, way) for way in ("cold", "warm")}


def _started(url: str, way: str) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.rewards.first", url, way]
    answer: dict[str, float] = json.loads(subprocess.run(command, cwd=_ROOT, capture_output=True, check=True).stdout)
    return answer


def main(url: str, way: str) -> None:
    settings = replace(Settings(environment="test"), database_url=url)
    db.open_database(settings)
    crypto.load_keys(settings)
    asked = Asked(basket=qualify.basket(), currency=qualify.CURRENCY, at=clock.now())
    with transaction() as session:  # the connection alone is nobody's wait
        connection_of(session).execute("SELECT 1")
    before, begun = _resident_mib(), perf_counter()
    if way == "warm":
        shelf.warm()
    gc.collect()
    gc.freeze()
    warmed = perf_counter()
    with transaction() as session:
        qualifying.offers(connection_of(session), asked)
    first = perf_counter()
    print(
        json.dumps(
            {
                "warm_ms": round((warmed - begun) * 1_000, 1),
                "first_ms": round((first - warmed) * 1_000, 1),
                "mib": round(_resident_mib() - before, 1),
            }
        )
    )


def _resident_mib() -> float:
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return sum([int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:")])


if __name__ == "__main__":
    main(*sys.argv[1:])
