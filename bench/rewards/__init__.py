"""The rates of rewards, each beside what it should be measured by in the same run."""

import importlib
import pkgutil

from bench.figures import Figure

#: What stands beside the measurements and is none.
_NOT_MEASURING = {"first", "world"}


def measure() -> list[Figure]:
    """Every row of every module here, each on a database of its own."""
    names = sorted({module.name for module in pkgutil.iter_modules(__path__)} - _NOT_MEASURING)
    return [row for name in names for row in importlib.import_module(f"bench.rewards.{name}").measure()]
