"""`python -m bench [NAME]`: run every measurement, or one; print a table and write bench/out/<name>.json."""

import importlib
import pkgutil
import sys
from pathlib import Path

import bench
from bench import figures

#: Measured only when named: they take minutes.
_ONLY_WHEN_NAMED = {"crash"}

#: What stands beside the measurements and is none.
_NOT_MEASURING = {"__main__", "figures", "database", "processes", "turns"}


def names() -> list[str]:
    """The measurements there are: one a module with a `measure()`."""
    found = {module.name for module in pkgutil.iter_modules([str(Path(bench.__file__).parent)])}
    return sorted(found - _NOT_MEASURING)


def main(only: list[str]) -> None:
    unknown = set(only) - set(names())
    if unknown:
        raise SystemExit(f"bench: there is no {', '.join(sorted(unknown))}; there is {', '.join(names())}")
    for name in only or [each for each in names() if each not in _ONLY_WHEN_NAMED]:
        rows = importlib.import_module(f"bench.{name}").measure()
        figures.write(name, rows)
        figures.show(rows)


if __name__ == "__main__":
    main(sys.argv[1:])
