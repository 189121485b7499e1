"""`flask demo` plays real households' days, shows that they add up and serves them; `flask demo check` adds up."""

import click
from flask import current_app
from flask.cli import with_appcontext

from app.cli import one_line_errors

_DAYS = "30: November 2017. 365: the whole year. Other windows begin on 1 November, or end with the year."


@click.group("demo", invoke_without_command=True)
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 365), help=_DAYS)
@click.option("--exit", "exits", is_flag=True, help="Stop after the table, with status 1 if anything differs.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.pass_context
@with_appcontext
def demo(context: click.Context, days: int, exits: bool, host: str, port: int) -> None:
    """Play real customers' days, print the table, then serve the API with a worker beside it."""
    if context.invoked_subcommand is not None:
        return
    # Loaded here: DuckDB and the data package are the demo's alone, and no other command waits for them.
    from app.demo import show

    with one_line_errors():
        status = show.run(current_app.extensions["settings"], days=days, exits=exits, host=host, port=port)
    context.exit(status)


@demo.command("check")
@with_appcontext
def check() -> None:
    """Compute the table again from the files and from what was played; status 1 if anything differs."""
    from app.demo import show

    with one_line_errors():
        status = show.check(current_app.extensions["settings"])
    raise SystemExit(status)
