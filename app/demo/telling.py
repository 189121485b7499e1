"""How the demo tells a scene: a title, a sentence, a small table, and what to open or try next."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a scene, as it is shown.

    rows    under `headings`; the last `sums` of them stand below a line. Without rows there is no table
    notes   whole sentences below the table
    """

    title: str
    words: str
    headings: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    sums: int = 0
    notes: Sequence[str] = ()


def money(amount_minor: int) -> str:
    return f"{amount_minor / 100:,.2f}"


def tell(sections: Sequence[Section], console: Console) -> None:
    for section in sections:
        console.print()
        console.print(f"[bold]{section.title}[/bold]")
        console.print(section.words, markup=False, highlight=False, soft_wrap=True)
        if section.rows:
            console.print(_drawn(section))
        for note in section.notes:
            console.print(note, markup=False, highlight=False, soft_wrap=True)


def dumped(sections: Sequence[Section]) -> str:
    return json.dumps([asdict(section) for section in sections])


def loaded(told: Sequence[dict[str, object]]) -> list[Section]:
    return [Section(**section) for section in told]  # type: ignore[arg-type]


def _drawn(section: Section) -> Table:
    table = Table(header_style="bold")
    for position, heading in enumerate(section.headings):
        table.add_column(heading, justify="right" if position else "left")
    for position, row in enumerate(section.rows, 1):
        is_last_detail = position == len(section.rows) - section.sums
        table.add_row(*row, end_section=is_last_detail)
    return table
