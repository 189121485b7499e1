"""Progress bars for whoever watches the play."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

#: Told how many more are done.
Done = Callable[[int], None]


class Bars:
    """A bar for each part of the play; a quiet console shows none."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def part(self, words: str, total: int) -> Iterator[Done]:
        """Show how far one part has come; the block is handed the function that moves its bar."""
        columns = (TextColumn("{task.description:<22}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self._console) as progress:
            task = progress.add_task(words, total=total)
            yield lambda count: progress.advance(task, count)
