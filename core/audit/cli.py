"""`flask audit check`, `flask audit head` and `flask audit seal`."""

import click
from flask.cli import with_appcontext

from core import consistency
from core.audit import chain
from core.chain_heads import Head
from core.db import connection_of, transaction


@click.group("audit")
def audit() -> None:
    """The audit log, and the hash chain that seals it."""


@audit.command("check")
@click.option("--head", "kept", help="A head that was kept outside, as `flask audit head` printed it.")
@with_appcontext
def check(kept: str | None) -> None:
    """Hash every sealed entry again; names the first block that differs, with exit status 1."""
    try:
        known = Head.parse(kept) if kept else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--head") from error
    with consistency.one_instant() as connection:
        difference = chain.first_difference(connection, known)
        last = chain.head(connection)
    if difference is not None:
        click.echo(f"audit log broken: {difference}", err=True)
        raise SystemExit(1)
    click.echo(f"audit log sealed: {last.number} blocks, head {last}")


@audit.command("head")
@with_appcontext
def head() -> None:
    """Print the chain's head as number:hash. Keep it where nobody who can write the database can."""
    with transaction() as session:
        click.echo(chain.head(connection_of(session)))


@audit.command("seal")
@with_appcontext
def seal() -> None:
    """Seal every entry that is committed, without waiting for the worker."""
    blocks = chain.seal_all()
    with transaction() as session:
        click.echo(f"{blocks} blocks sealed, head {chain.head(connection_of(session))}")
