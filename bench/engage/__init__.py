"""Engage's rates, each beside what it should be measured by. One module a part, each with a `measure()` of its own.

BENCH_PARTS=ingest,push names the parts; without it those run that take less than minutes and gigabytes.
"""

import importlib
import os
import pkgutil

from bench.figures import Figure

#: Run only when named: they fill a database with millions of rows first.
_ONLY_WHEN_NAMED = {"segments", "prepare"}

#: What stands beside the measurements and is none.
_NOT_MEASURING = {"fcm", "world"}


def parts() -> list[str]:
    return sorted({module.name for module in pkgutil.iter_modules(__path__)} - _NOT_MEASURING)


def measure() -> list[Figure]:
    """Every part that is asked for, each over a database of its own."""
    asked = [name for name in os.environ.get("BENCH_PARTS", "").split(",") if name]
    unknown = set(asked) - set(parts())
    if unknown:
        raise SystemExit(f"bench: engage has no {', '.join(sorted(unknown))}; it has {', '.join(parts())}")
    found: list[Figure] = []
    for name in asked or [each for each in parts() if each not in _ONLY_WHEN_NAMED]:
        found += importlib.import_module(f"bench.engage.{name}").measure()
    return found
