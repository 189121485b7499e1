"""Serving what was played: the API and a worker as child processes, until Ctrl-C."""

from rich.console import Console

from core.settings import Settings


def serve(settings: Settings, *, host: str, port: int, console: Console) -> int:
    return 0
