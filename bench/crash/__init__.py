"""Crashes: server and database are killed at random moments under load, and what was acknowledged is counted after.

`make bench ONLY=crash` (never by `make bench` alone, since it takes minutes); CRASH_ROUNDS says how many kills,
CRASH_SEED which moments.
"""

import os
import random
from statistics import median

from bench.crash.rounds import play
from bench.figures import Figure


def measure() -> list[Figure]:
    """raises  SystemExit when anything that was acknowledged is lost or doubled, or the ledger does not add up"""
    seed = int(os.environ.get("CRASH_SEED", random.randrange(10**6)))
    print(f"CRASH_SEED={seed}", flush=True)
    seen = play(rounds=int(os.environ.get("CRASH_ROUNDS", "50")), seed=seed, tell=print)
    if seen.faults:
        raise SystemExit("crash: " + "; ".join(seen.faults))
    more = {
        "seed": seed, "kills": dict(seen.kills), "acknowledged": seen.acknowledged, "repeated": seen.repeated,
        "median_down_s": round(median(seen.down_seconds), 2),
    }  # fmt: skip
    kills = sum(seen.kills.values())
    return [Figure("crash.lost_or_doubled", 0, "deeds", f"acknowledged over {kills} kills", seen.acknowledged, more)]
