"""Commands of the roof: serve, worker, migrate, readers. Each room brings its own beside them."""

import errno
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask import current_app
from flask.cli import with_appcontext

from app import database, start, wiring
from app.worker import Worker
from core import clock
from core.db import connection_of, transaction
from core.errors import ConfigurationError
from core.events import Reader, unparking


@contextmanager
def one_line_errors() -> Iterator[None]:
    """What keeps a command from starting is told in one line, with exit status 1."""
    try:
        yield
    except ConfigurationError as error:
        raise SystemExit(f"pocketful: {error}") from None


def refuse_used_port(host: str, port: int) -> None:
    """raises  ConfigurationError when something listens there already, or this machine cannot listen there at all"""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigurationError(f"port {port} is in use: stop what listens there or pass another port") from error
        raise ConfigurationError(f"{host} port {port} cannot be listened at: {error.strerror}") from error


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--processes", default=2, show_default=True, type=click.IntRange(1, 64))
def serve(host: str, port: int, processes: int) -> None:
    """Serve the API (granian: the given processes, four threads each)."""
    with one_line_errors():
        start.make_ready()
        refuse_used_port(host, port)
    click.echo(f"Serving on http://{host}:{port} (what there is: /docs), until Ctrl-C.")
    sys.stdout.flush()
    # Replaces this process, which has opened connections that its children must not share.
    os.execv(sys.executable, server_command(host, port, processes))


def server_command(host: str, port: int, processes: int, target: str = "app.serving:app") -> list[str]:
    """What runs the API, or another application made of it, over a house that is ready."""
    return [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port)),
        # So many wait for the database at once. Measured on two cores: two to four threads cost the same CPU a payment,
        # one leaves a quarter of the payments undone, eight do no more and let the slowest wait a fifth longer.
        *("--workers", str(processes), "--blocking-threads", "4", "--no-ws", "--log-level", "warning"),
        # Without it the loss of one process (out of memory, say) would end them all.
        *("--respawn-failed-workers", target),
    ]


@click.command()
@with_appcontext
def worker() -> None:
    """Follow the log, do what is due, fire the schedule; until SIGTERM."""
    with one_line_errors():
        start.make_ready()
    work = wiring.work(current_app.extensions["settings"], current_app.extensions["gateways"])
    Worker(wiring.READERS, work, wiring.SCHEDULE).run()


@click.command()
def migrate() -> None:
    """Bring the database to the newest migration."""
    database.migrate()
    click.echo("The schema is current.")


@click.group()
def readers() -> None:
    """The log's readers: who is parked, retry, skip."""


@readers.command("parked")
def readers_parked() -> None:
    """List the subjects that wait for an operator, by reader."""
    with transaction() as session:
        rows = unparking.waiting(connection_of(session))
    for row in rows:
        click.echo(f"{row.reader}  {row.subject}  {row.events} events  {row.error}  since {row.since:%Y-%m-%d %H:%M}")
    if not rows:
        click.echo("Nobody is parked.")


@readers.command("retry")
@click.argument("reader_name")
@click.argument("subject")
def readers_retry(reader_name: str, subject: str) -> None:
    """Hand a parked subject's events to their reader again, in order."""
    handled = unparking.retry(_reader(reader_name), subject, now=clock.now())
    click.echo(f"{handled} events handled.")


@readers.command("skip")
@click.argument("reader_name")
@click.argument("subject")
def readers_skip(reader_name: str, subject: str) -> None:
    """Give up the first parked event of a subject, then retry those behind it."""
    reader = _reader(reader_name)
    unparking.skip_first(reader, subject)
    click.echo(f"1 event skipped, {unparking.retry(reader, subject, now=clock.now())} handled.")


def _reader(name: str) -> Reader:
    for reader in wiring.READERS:
        if reader.name == name:
            return reader
    raise click.ClickException(f"there is no reader {name!r}: {', '.join(line.name for line in wiring.READERS)}")
