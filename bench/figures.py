"""Figures: what we reach, what it stands beside, and the ratio; as a table and as a file."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

from rich.console import Console
from rich.table import Table

OUT = Path(__file__).parent / "out"


@dataclass(frozen=True)
class Figure:
    """One line: `ours` and `theirs` in `unit`, measured in the same run; `beside` says what theirs is.

    more    what else was seen, for the file: CPU, latencies; the unit is the last part of each name
    """

    name: str
    ours: float
    unit: str
    beside: str
    theirs: float
    more: Mapping[str, object] | None = None

    @property
    def ratio(self) -> float:
        return round(self.ours / self.theirs, 3) if self.theirs else 0.0


def rate(work: Callable[[], int], *, times: int = 3) -> float:
    """The median number of things that `work` does a second; it returns how many it did."""
    rates = []
    for _ in range(times):
        begun = perf_counter()
        done = work()
        rates.append(done / (perf_counter() - begun))
    return round(median(rates), 1)


def write(name: str, rows: Sequence[Figure]) -> None:
    """Keep the figures in bench/out/<name>.json."""
    OUT.mkdir(exist_ok=True)
    lines = [{**asdict(row), "ratio": row.ratio} for row in rows]
    for line in lines:
        if line["more"] is None:
            del line["more"]
    (OUT / f"{name}.json").write_text(json.dumps(lines, indent=1) + "\n")


def show(rows: Sequence[Figure]) -> None:
    table = Table("measured", "ours", "unit", "beside", "theirs", "ratio")
    table.columns[0].no_wrap = True
    for row in rows:
        table.add_row(row.name, f"{row.ours:,.0f}", row.unit, row.beside, f"{row.theirs:,.0f}", f"{row.ratio:.2f}")
    Console().print(table)
