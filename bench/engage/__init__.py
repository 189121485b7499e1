"""Engage's rates, each beside what it should be measured by. One module a part, each with a `measure()` of its own.

BENCH_PARTS=ingest,push names the parts; without it those run that take less than minutes and gigabytes.
"""

import importlib
import os
import pkgutil
from collections.abc import Callable

from bench.figures import Figure

#: Run only when named: they fill a database with millions of rows first.
_ONLY_WHEN_NAMED = {"segments", "prepare"}


def parts() -> dict[str, Callable[[], list[Figure]]]:
    """The measurements there are; other modules stand beside them."""
    modules = {each.name: importlib.import_module(f"{__name__}.{each.name}") for each in pkgutil.iter_modules(__path__)}
    return {name: module.measure for name, module in sorted(modules.items()) if hasattr(module, "measure")}


def measure() -> list[Figure]:
    """Every part that is asked for, each over a database of its own."""
    known = parts()
    asked = [name for name in os.environ.get("BENCH_PARTS", "").split(",") if name]
    unknown = set(asked) - set(known)
    if unknown:
        raise SystemExit(f"bench: engage has no {', '.join(sorted(unknown))}; it has {', '.join(known)}")
    found: list[Figure] = []
    for name in asked or [each for each in known if each not in _ONLY_WHEN_NAMED]:
        found += known[name]()
    return found
