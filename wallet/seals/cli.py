"""`flask wallet seal`, `flask wallet head` and `flask wallet verify`."""

import click
from flask.cli import with_appcontext

from core import consistency
from core.db import connection_of, transaction
from wallet import seals
from wallet.seals import Head


@click.command("seal")
@with_appcontext
def seal() -> None:
    """Seal every transfer that is committed, without waiting for the worker."""
    blocks = seals.seal_all()
    with transaction() as session:
        click.echo(f"{blocks} blocks sealed, head {seals.head(connection_of(session))}")


@click.command("head")
@with_appcontext
def head() -> None:
    """Print the chain's head as number:hash. Keep it where nobody who can write the database can."""
    with transaction() as session:
        click.echo(seals.head(connection_of(session)))


@click.command("verify")
@click.option("--head", "kept", help="A head that was kept outside, as `flask wallet head` printed it.")
@with_appcontext
def verify(kept: str | None) -> None:
    """Hash every sealed transfer again; names the first block that differs, with exit status 1."""
    try:
        known = Head.parse(kept) if kept else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--head") from error
    with consistency.one_instant() as connection:
        difference = seals.first_difference(connection, known)
        last = seals.head(connection)
    if difference is not None:
        click.echo(f"seal broken: {difference}", err=True)
        raise SystemExit(1)
    click.echo(f"sealed: {last.number} blocks, head {last}")


COMMANDS = [seal, head, verify]
