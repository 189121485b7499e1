"""A play of real days in a database of its own, for the tests of the replay."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psycopg
from rich.console import Console

from app.demo import show, stage
from app.demo.play import play
from app.demo.progress import Bars
from app.demo.source_files import Files, Window
from app.demo.stage import Played
from core.gateways import registry
from core.settings import Settings

#: Two days with four redemptions, one campaign that runs and few households that it targets.
WINDOW = Window(date(2017, 7, 9), date(2017, 7, 10))


@dataclass(frozen=True)
class Stage:
    """Where the tests play. `settings` are those of the demo's database; `papers` is the folder for its documents."""

    settings: Settings
    files: Files
    papers: Path

    def play(self, window: Window = WINDOW) -> Played:
        stage.open_empty(self.settings)
        return play(
            self.settings, registry.build(self.settings), self.files, window, Bars(Console(quiet=True)), self.papers
        )

    def check(self) -> tuple[int, str]:
        """The exit status of the check and what it prints."""
        paper = io.StringIO()
        played = stage.open_played(self.settings)
        assert played
        return show.lay_table(self.files, played, Console(file=paper, width=200)), paper.getvalue()

    @contextmanager
    def tampering(self) -> Iterator[psycopg.Cursor[tuple[object, ...]]]:
        """Change what was played as only a superuser can, past every trigger; all is put back afterwards."""
        with psycopg.connect(self.settings.database_url) as connection, connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            yield cursor
