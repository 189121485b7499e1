"""Server and database killed with kill -9 under load: what was acknowledged is there once, and the books add up.

CRASH_SEED repeats the kills of a run. `make bench ONLY=crash` does the same fifty times over.
"""

import os
import random

from bench.crash.rounds import play

ROUNDS = 3


def test_nothing_acknowledged_is_lost_or_doubled_by_kills() -> None:
    seed = int(os.environ.get("CRASH_SEED", random.randrange(10**6)))
    print(f"CRASH_SEED={seed}")  # noqa: T201 - shown when the test fails

    seen = play(rounds=ROUNDS, seed=seed)

    assert seen.faults == []
    assert sum(seen.kills.values()) == ROUNDS
    assert seen.acknowledged > 0
